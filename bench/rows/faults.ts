/**
 * Page faults against native C: first touch, hit, copy-on-write; in order and at random.
 *
 * One repetition starts from an empty system, touches every page of a VMO, touches them again,
 * snapshots the VMO and writes every page once more. Both sides do each step in turn and must then
 * agree on frames, nodes and page tables.
 */
import { Collector, mustAgree, onBoth, withPair } from '../support/context.js';
import type { Context, Group, Pair } from '../support/context.js';
import { WRITE } from '../support/machine.js';

const BASE_PAGES = 2 ** 18;
const BAR = 1.35;
const WARM_UPS = 2;
const SEED = 12345;

interface Way {
  readonly name: string;
  readonly length: number;
  readonly isShuffled: boolean;
  readonly text: string;
}

const WAYS: readonly Way[] = [
  { name: 'sequential', length: 65536, isShuffled: false, text: 'ranges of 65,536 pages in order' },
  {
    name: 'random pages', length: 1, isShuffled: true,
    text: 'ranges of one page in random order, one list of them',
  },
  {
    name: 'random ranges', length: 16, isShuffled: true,
    text: 'ranges of 16 pages in random order, one list of them',
  },
];

async function repeat(pair: Pair, way: Way, pages: number, rows: Collector | null): Promise<void> {
  await onBoth(pair, (m) => m.reset());
  const vmos = await onBoth(pair, (m) => m.vmo(pages));
  const spaces = await onBoth(pair, (m) => m.aspace());
  const pick = (m: unknown): 0 | 1 => (m === pair.ours ? 0 : 1);
  await onBoth(pair, (m) => m.map(spaces[pick(m)], vmos[pick(m)], BASE_PAGES, pages));
  const touch = async (kind: string): Promise<void> => {
    const [ours, other] = await onBoth(pair, (m) =>
      m.faults(spaces[pick(m)], BASE_PAGES, pages, way.length, WRITE, way.isShuffled));
    rows?.add(`${kind}, ${way.name}`, ours / pages, other / pages);
    await mustAgree(pair, `${kind}, ${way.name}`);
  };
  await touch('first touch');
  await touch('hit');
  await onBoth(pair, (m) => m.snapshot(vmos[pick(m)]));
  await touch('copy-on-write');
}

async function run(context: Context): Promise<void> {
  const pages = context.isShort ? 2 ** 19 : 2 ** 22;
  const reps = context.isShort ? 5 : 11;
  await withPair(context, pages * 2 + 65536, pages * 64, async (pair) => {
    for (const way of WAYS) {
      await onBoth(pair, (m) => m.order(pages / way.length, SEED));
      const rows = new Collector();
      for (let i = -WARM_UPS; i < reps; i++) await repeat(pair, way, pages, i < 0 ? null : rows);
      for (const kind of ['first touch', 'hit', 'copy-on-write']) {
        rows.emit(context, {
          name: `${kind}, ${way.name}`, unit: 'ns/page', ratioOf: 'ours/other', bar: BAR,
          compares: `Wasm / C, ${pages} pages, ${way.text}; entries included, contents not`,
        });
      }
    }
  });
}

/** Page faults against C. */
export const faults: Group = { name: 'faults', needsNative: true, run };
