/**
 * The memory watchdog: how far free memory is from running out, the events that say so, and what is
 * done about it (memory-semantics 8).
 *
 * It looks after calls, not in the middle of one: when the program yields, when time passes, before
 * the next call that changes the system, and when it is asked. Only pages are taken before a call;
 * jobs die when the program has yielded, time passes, or somebody asks.
 *
 * I1. Exactly one level's event is signalled; programs cannot signal them.
 * I2. A worse level is signalled at once, a better one only after it has lasted for a time.
 * I3. Off, it does nothing, and says that the level is NORMAL.
 * I4. What can be taken is looked for when a level worsens and when an allocation was refused, not
 *     before each call of a program that stays short of memory.
 */

import { ZxError } from './errors.js';
import { Event, KernelEventObject } from './event.js';
import { FreeSignal } from './free-signal.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { OBJECT_BYTES, ObjectType } from './object.js';
import { killOnOom } from './oom.js';
import { KillCode } from './process-object.js';
import { DefaultRights } from './rights.js';
import { Signal } from './signals.js';
import type { KernelSystem } from './system.js';
import { PAGE_BYTES, refuse, toCount, toOptions } from './units.js';

/** Levels, the worst first. */
export const MemoryLevel = {
  /** The kernel takes what it can, and kills. */
  OUT_OF_MEMORY: 0,
  /** Little is left until then. */
  IMMINENT_OUT_OF_MEMORY: 1,
  /** Eviction begins. */
  CRITICAL: 2,
  /** Programs should give memory back. */
  WARNING: 3,
  /** All is well. */
  NORMAL: 4,
} as const;
/** A level. */
export type MemoryLevel = (typeof MemoryLevel)[keyof typeof MemoryLevel];

/** When the watchdog acts, and how; what is left out is as Zircon has it. Bytes are free memory. */
export interface PressureOptions {
  /** Below it memory has run out; 50 MiB. */ readonly oomBytes?: number;
  /** So much above it is imminent; 10 MiB, and 0 for no such level. */
  readonly imminentDeltaBytes?: number;
  /** 150 MiB. */ readonly criticalBytes?: number;
  /** 300 MiB. */ readonly warningBytes?: number;
  /** How far past a mark a level changes; 1 MiB. */ readonly debounceBytes?: number;
  /** How long a better level lasts before it is signalled; 10 s. */
  readonly hysteresisSeconds?: number;
  /** Whether eviction begins at WARNING; at CRITICAL if left out. */
  readonly evictAtWarning?: boolean;
  /** Whether pages are compressed where evicting is not enough; no if left out. */
  readonly compression?: boolean;
  /** What happens when nothing helps: a marked job dies, or all do; `reboot` if left out. */
  readonly oomBehavior?: 'jobkill' | 'reboot';
}

/** Something that the watchdog did. */
export interface PressureRecord {
  /** When, on the system's clock. */ readonly atNs: bigint;
  /** What: a level was signalled, pages were taken, a job died, everything did. */
  readonly what: 'level' | 'evict' | 'compress' | 'kill' | 'reboot';
  /** The level after it. */ readonly level: MemoryLevel;
  /** Free memory after it. */ readonly freeBytes: number;
  /** Pages that were taken. */ readonly pages?: number;
  /** Koid of the job that died. */ readonly jobKoid?: number;
}

const MIB = 2 ** 20;
const SECOND_NS = 1_000_000_000n;
const LEVELS = 5;
const BYTES_MAX = 2 ** 38;

/** Settings that were checked. */
export interface PressureSettings {
  /** Free bytes below which each level but NORMAL begins, the worst first. */
  readonly marks: readonly number[];
  /** How far past a mark. */ readonly debounceBytes: number;
  /** Nanoseconds. */ readonly hysteresisNs: bigint;
  /** The best level at which pages are taken. */ readonly trigger: MemoryLevel;
  /** Whether pages are compressed. */ readonly compression: boolean;
  /** Whether a marked job dies; else all. */ readonly killsJobs: boolean;
}

/**
 * The settings of a new system; undefined for none.
 *
 * @throws ZxError ZX_ERR_INVALID_ARGS for what is no number in range, or marks out of order
 */
export function pressureSettings(
  options: PressureOptions | undefined,
): PressureSettings | undefined {
  if (options === undefined) return undefined;
  const {
    oomBytes = 50 * MIB, imminentDeltaBytes = 10 * MIB, criticalBytes = 150 * MIB,
    warningBytes = 300 * MIB, debounceBytes = MIB, hysteresisSeconds = 10,
    evictAtWarning = false, compression = false, oomBehavior = 'reboot',
  } = toOptions(options, 'pressure');
  const bytes = { oomBytes, imminentDeltaBytes, criticalBytes, warningBytes, debounceBytes };
  for (const [name, value] of Object.entries(bytes)) {
    toCount(value, `pressure.${name}`, 0, BYTES_MAX);
  }
  const marks = [oomBytes, oomBytes + imminentDeltaBytes, criticalBytes, warningBytes];
  if (marks.some((mark, i) => mark < (marks[i - 1] ?? 0))) {
    refuse(marks.join(', '), 'pressure', 'marks that rise from oomBytes to warningBytes');
  }
  if (typeof evictAtWarning !== 'boolean') {
    refuse(evictAtWarning, 'evictAtWarning', 'true or false');
  }
  if (typeof compression !== 'boolean') refuse(compression, 'compression', 'true or false');
  if (oomBehavior !== 'jobkill' && oomBehavior !== 'reboot') {
    refuse(oomBehavior, 'oomBehavior', 'jobkill or reboot');
  }
  const hysteresis = toCount(hysteresisSeconds, 'pressure.hysteresisSeconds', 0, 2 ** 31);
  return {
    marks, debounceBytes, hysteresisNs: BigInt(hysteresis) * SECOND_NS,
    trigger: evictAtWarning ? MemoryLevel.WARNING : MemoryLevel.CRITICAL,
    compression, killsJobs: oomBehavior === 'jobkill',
  };
}

/** The watchdog of a system. */
export class MemoryWatchdog {
  readonly #system: KernelSystem;
  readonly #settings: PressureSettings | undefined;
  readonly #observers = new Set<(record: PressureRecord) => void>();
  readonly #signal = new FreeSignal(() => { this.#left = true; });
  #events: readonly KernelEventObject[] | undefined;
  #level: MemoryLevel = MemoryLevel.NORMAL;
  #armedAt: MemoryLevel = MemoryLevel.NORMAL; // the level that is watched from
  #left = true; // the window of the level is not armed
  #failed = false; // an allocation was refused
  #owesKill = false; // memory has run out, and nobody could be killed yet
  #looking = false;
  #waiting = false; // a look is to come when the program yields
  #better: (() => void) | undefined; // takes back what is to be signalled later

  /**
   * @param system - the system
   * @param settings - checked; undefined switches it off
   */
  constructor(system: KernelSystem, settings: PressureSettings | undefined) {
    this.#system = system;
    this.#settings = settings;
  }

  /** Whether it acts. */
  get isOn(): boolean {
    return this.#settings !== undefined;
  }

  /** The level that is signalled. */
  get level(): MemoryLevel {
    this.look();
    return this.#level;
  }

  /** Free bytes below which each level begins, the worst first; none where it is off. */
  get marksBytes(): readonly number[] {
    return this.#settings?.marks ?? [];
  }

  /** How far past a mark a level changes, bytes; 0 where it is off. */
  get debounceBytes(): number {
    return this.#settings?.debounceBytes ?? 0;
  }

  /** How long a better level lasts before it is signalled, ns; 0 where it is off. */
  get hysteresisNs(): bigint {
    return this.#settings?.hysteresisNs ?? 0n;
  }

  /**
   * A handle to a level's event (`zx_system_get_event`): SIGNALED while that is the level.
   *
   * @throws ZxError ZX_ERR_INVALID_ARGS for what is no level, ZX_ERR_NO_MEMORY,
   *     ZX_ERR_SHOULD_WAIT while a pass runs
   */
  event(level: MemoryLevel): Event {
    const system = this.#system;
    system.assertNotBusy();
    toCount(level, 'level', 0, LEVELS - 1);
    this.look();
    const made = this.#events === undefined ? LEVELS * OBJECT_BYTES[ObjectType.EVENT] : 0;
    return system.heap.hold(HANDLE_BYTES + made, () => {
      this.#events ??= Array.from({ length: LEVELS }, () => new KernelEventObject(system));
      this.#show();
      return new Event(this.#events[level] as KernelEventObject, DefaultRights.SYSTEM_EVENT);
    });
  }

  /**
   * Tells what the watchdog does.
   *
   * @param observer - called for each thing, after it was done
   * @returns ends the observation
   */
  observe(observer: (record: PressureRecord) => void): () => void {
    if (typeof observer !== 'function') refuse(observer, 'observer', 'a function');
    const own = (record: PressureRecord): void => { observer(record); };
    this.#observers.add(own);
    return () => { this.#observers.delete(own); };
  }

  /**
   * An allocation was refused for want of pages.
   *
   * @internal
   */
  noteRefusal(): void {
    this.#failed = this.isOn;
  }

  /**
   * A call that changes the system begins: pages may be taken before it.
   *
   * @internal
   */
  beforeCall(): void {
    if (this.#settings === undefined || this.#looking) return;
    this.#look(false);
    if (this.#waiting) return;
    this.#waiting = true;
    queueMicrotask(() => {
      this.#waiting = false;
      if (!this.#system.busy) this.look();
    });
  }

  /** Looks at the free memory now, and does what is to be done. */
  look(): void {
    if (this.#looking || this.#system.busy) return;
    if (this.#settings !== undefined) this.#look(true);
  }

  #look(mayKill: boolean): void {
    this.#looking = true;
    try {
      this.#signal.look(this.#freePages);
      if (this.#left || this.#failed || (this.#owesKill && mayKill)) this.#settle(mayKill);
    } finally {
      this.#looking = false;
    }
  }

  get #freePages(): number {
    return this.#system.core.freePages;
  }

  /** The free memory that a level has room for without another one, its debounces included. */
  #boundsOf(level: MemoryLevel): { readonly lowerPages: number; readonly upperPages: number } {
    const { marks, debounceBytes } = this.#settings ?? { marks: [], debounceBytes: 0 };
    const [below = 0, above = Infinity] = [marks[level - 1], marks[level]];
    return {
      lowerPages: Math.max(0, below - debounceBytes) / PAGE_BYTES,
      upperPages: (above + debounceBytes) / PAGE_BYTES,
    };
  }

  /** The level that the free memory is of, when it was of another one before. */
  #levelFrom(before: MemoryLevel): MemoryLevel {
    const { lowerPages, upperPages } = this.#boundsOf(before);
    const free = this.#freePages;
    if (free >= lowerPages && free <= upperPages) return before;
    const worse = this.marksBytes.findIndex((mark) => free * PAGE_BYTES < mark);
    return (worse < 0 ? MemoryLevel.NORMAL : worse) as MemoryLevel;
  }

  #settle(mayKill: boolean): void {
    const settings = this.#settings;
    if (settings === undefined) return;
    const { OUT_OF_MEMORY } = MemoryLevel;
    const before = this.#armedAt; // may be better than what is signalled
    let level = this.#failed ? OUT_OF_MEMORY : this.#levelFrom(before);
    if (level < this.#level) this.#setLevel(level);
    const isBad = level < before && level <= settings.trigger;
    if (isBad || level === OUT_OF_MEMORY) this.#relieve(settings);
    this.#failed = false;
    level = this.#levelFrom(level);
    this.#owesKill = level === OUT_OF_MEMORY;
    if (this.#owesKill && mayKill) {
      this.#owesKill = false;
      this.#kill(settings);
      level = this.#levelFrom(level);
    }
    this.#expectBetter(settings, level);
    this.#arm(level);
  }

  /** A better level is signalled when it has lasted; one after another begins anew. */
  #expectBetter({ hysteresisNs }: PressureSettings, level: MemoryLevel): void {
    if (level > this.#level && level === this.#armedAt && this.#better !== undefined) return;
    this.#better?.();
    this.#better = undefined;
    if (level <= this.#level) return;
    const { clock } = this.#system;
    this.#better = clock.at(clock.nowNs + hysteresisNs, () => {
      this.#better = undefined;
      if (this.#levelFrom(level) === level) this.#setLevel(level);
      this.#left = true;
      this.look();
    });
  }

  #arm(level: MemoryLevel): void {
    this.#armedAt = level;
    this.#left = !this.#signal.arm(this.#boundsOf(level), this.#freePages);
  }

  #setLevel(level: MemoryLevel): void {
    this.#better?.();
    this.#better = undefined;
    this.#level = level;
    this.#show();
    this.#tell({ what: 'level' });
  }

  #show(): void {
    this.#events?.forEach((event, level) => {
      const isLevel = level === this.#level;
      event.setSignals(isLevel ? 0 : Signal.SIGNALED, isLevel ? Signal.SIGNALED : 0);
    });
  }

  /** Takes pages until the trigger's mark is left behind. */
  #relieve({ marks, trigger, debounceBytes, compression }: PressureSettings): void {
    const wanted = (): number => Math.max(0, Math.ceil(
      ((marks[trigger] as number) + debounceBytes) / PAGE_BYTES) - this.#freePages);
    const { reclaim } = this.#system;
    const pages = evictedBy(() => reclaim.evict(wanted()).pages);
    if (pages > 0) this.#tell({ what: 'evict', pages });
    if (!compression || wanted() === 0) return;
    const gone = reclaim.compressOldest(wanted());
    if (gone > 0) this.#tell({ what: 'compress', pages: gone });
  }

  #kill({ killsJobs }: PressureSettings): void {
    const root = this.#system.rootJob.object;
    if (!killsJobs) {
      root.kill(KillCode.OOM);
      this.#tell({ what: 'reboot' });
      return;
    }
    const job = killOnOom(root);
    if (job !== undefined) this.#tell({ what: 'kill', jobKoid: job.koid });
  }

  #tell(what: Pick<PressureRecord, 'what' | 'pages' | 'jobKoid'>): void {
    const record = {
      atNs: this.#system.clock.nowNs, level: this.#level,
      freeBytes: this.#freePages * PAGE_BYTES, ...what,
    };
    for (const observer of [...this.#observers]) observer(record);
  }
}

/** Pages that an eviction took: none without host memory to begin with; no call fails for that. */
function evictedBy(evict: () => number): number {
  try {
    return evict();
  } catch (error) {
    if (error instanceof ZxError && error.status === 'ZX_ERR_NO_MEMORY') return 0;
    throw error;
  }
}
