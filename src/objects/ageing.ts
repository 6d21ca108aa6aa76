/**
 * What time does to pages by itself: they grow older, and pages that read zero are looked for
 * (memory-semantics 7.1, 7.2, 7.4).
 *
 * I1. Time passes in rotations and in candidates, both counted from the system's first moment: one
 *     long step and many short ones come to the same.
 * I2. Nobody uses a page while time passes, so one harvest before the first rotation finds all.
 */

import type { KernelSystem } from './system.js';
import { refuse, toCount, toOptions } from './units.js';

const SECOND_NS = 1_000_000_000n;
const SECONDS_MAX = 2 ** 31;
const SCANS_MAX = 2 ** 26;

/** How pages age by themselves; what is left out is as Zircon has it. */
export interface AgeingOptions {
  /** Seconds after which every page is a generation older; 5, and 0 for never. */
  readonly rotateSeconds?: number;
  /**
   * Pages grow older each second in which `active * activeRatioMultiplier > inactive`; 0, which is
   * never.
   */
  readonly activeRatioMultiplier?: number;
  /** Candidates of zero-page dedup looked at in a second; 20,000, and 0 for none. */
  readonly zeroScansPerSecond?: number;
}

/** Settings that were checked, with what was left out. */
export type AgeingSettings = Required<AgeingOptions>;

/**
 * The settings of a new system.
 *
 * @throws ZxError ZX_ERR_INVALID_ARGS for what is no whole number in range
 */
export function ageingSettings(options: AgeingOptions | undefined): AgeingSettings {
  const {
    rotateSeconds = 5, activeRatioMultiplier = 0, zeroScansPerSecond = 20_000,
  } = toOptions(options ?? {}, 'ageing');
  return {
    rotateSeconds: toCount(rotateSeconds, 'ageing.rotateSeconds', 0, SECONDS_MAX),
    activeRatioMultiplier:
      toCount(activeRatioMultiplier, 'ageing.activeRatioMultiplier', 0, SCANS_MAX),
    zeroScansPerSecond: toCount(zeroScansPerSecond, 'ageing.zeroScansPerSecond', 0, SCANS_MAX),
  };
}

/** Ageing on one system. */
export class Ageing {
  readonly #system: KernelSystem;
  readonly #settings: AgeingSettings;
  #nowNs = 0n;
  #rotatedSecond = 0n;

  /**
   * @param system - the system
   * @param settings - checked
   */
  constructor(system: KernelSystem, settings: AgeingSettings) {
    this.#system = system;
    this.#settings = settings;
  }

  /**
   * Time passes.
   *
   * @param nowNs - nanoseconds since the system began; not before the last time said
   * @throws ZxError ZX_ERR_INVALID_ARGS for a moment that is over
   */
  passTime(nowNs: bigint): void {
    this.#system.assertNotBusy();
    if (nowNs < this.#nowNs) refuse(nowNs, 'nowNs', `at least ${this.#nowNs}`);
    const before = this.#nowNs;
    this.#nowNs = nowNs;
    if (nowNs / SECOND_NS > before / SECOND_NS) this.#rotate(before / SECOND_NS);
    const rate = BigInt(this.#settings.zeroScansPerSecond);
    const scans = nowNs * rate / SECOND_NS - before * rate / SECOND_NS;
    const most = Number(scans < BigInt(SCANS_MAX) ? scans : BigInt(SCANS_MAX));
    if (most > 0 && this.#system.scanner.isOn) this.#system.reclaim.scanZeroPages(most);
  }

  /** The rotations of the seconds after `before`. */
  #rotate(before: bigint): void {
    const { queues } = this.#system;
    const { rotateSeconds, activeRatioMultiplier } = this.#settings;
    if (rotateSeconds === 0) return;
    const now = this.#nowNs / SECOND_NS;
    queues.harvestAccessed();
    for (let second = before + 1n; second <= now; second++) {
      const { active, inactive, reclaim } = queues.counts;
      if (reclaim === 0) {
        this.#skipTo(now);
        return;
      }
      const isDue = second - this.#rotatedSecond >= BigInt(rotateSeconds);
      if (!isDue && active * activeRatioMultiplier <= inactive) continue;
      queues.rotateAt(second * SECOND_NS, isDue ? 'Timeout' : 'Active ratio');
      this.#rotatedSecond = second;
    }
  }

  /** No page has an age: all that is left of the rotations is when the next one is due. */
  #skipTo(now: bigint): void {
    const seconds = BigInt(this.#settings.rotateSeconds);
    const rotations = (now - this.#rotatedSecond) / seconds;
    if (rotations === 0n) return;
    this.#rotatedSecond += rotations * seconds;
    this.#system.queues.begin(Number(rotations), this.#rotatedSecond * SECOND_NS, 'Timeout');
  }
}
