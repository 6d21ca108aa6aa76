/**
 * Faults against other JavaScript: objects and Maps, and the core's own algorithm in typed arrays.
 * The core does them twice, by one call from JavaScript for each page and by ranges; the others
 * have one function for a fault, called in a loop.
 */
import type { AspaceRef, Core, VmoRef } from '../../src/core/core.js';
import { ObjectsSystem, Space, Vmo } from '../js/objects.js';
import { TypedSystem } from '../js/typed.js';
import { Collector } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import { WRITE } from '../support/machine.js';
import { bootCore, good, timed } from '../support/ours.js';
import { shuffled } from '../support/random.js';

const BASE_PAGES = 2 ** 18;
const READ_WRITE = 3;
const SEED = 777;
const RANGE_PAGES = 16;
const PHASES = ['first touch', 'hit', 'copy-on-write'] as const;
const TYPED_BAR = 1.3;
const OBJECTS_BAR = 10;

/** ns a page of the three phases. */
type Times = readonly [firstTouch: number, hit: number, copyOnWrite: number];

/**
 * The three phases in turn. Each side hands in a loop of its own over all pages, so that no call in
 * it goes to more than one function.
 */
function phases(order: Uint32Array, touchAll: () => void, snapshot: () => void): Times {
  const first = timed(touchAll) / order.length;
  const hit = timed(touchAll) / order.length;
  snapshot();
  return [first, hit, timed(touchAll) / order.length];
}

/** How the core is asked: a call for each page, or ranges (a list of them where at random). */
type Manner = 'single' | 'ranges';

/** In which order pages are touched: ranges of `length` pages, each in order. */
interface Way {
  readonly name: string;
  readonly length: number;
  readonly order: Uint32Array;
}

function oursOnce(core: Core, way: Way, manner: Manner): Times {
  const { order, length } = way;
  const pages = order.length;
  good(core.raw.boot(core.physicalPages, core.hostBytesMax / 65536));
  const vmo = good<VmoRef>(core.vmoCreate(0, pages));
  const space = good<AspaceRef>(core.aspaceCreate());
  good(core.map(space, vmo, BASE_PAGES, pages, 0, READ_WRITE));
  const { fault } = core.raw;
  const firsts = Float64Array.from({ length: pages / length },
    (_, range) => BASE_PAGES + (order[range * length] as number));
  const times = phases(order, () => {
    if (manner === 'ranges') {
      if (length < pages) good(core.faultEach(space, firsts, length, WRITE).status);
      else good(core.faultRange(space, BASE_PAGES, pages, WRITE));
      return;
    }
    let failed = 0;
    for (let i = 0; i < pages; i++) {
      failed |= fault(space, BASE_PAGES + (order[i] as number), WRITE);
    }
    good(failed);
  }, () => good(core.vmoSnapshot(vmo, 0, pages)));
  if (core.pagesInState(4) !== 2 * pages) throw new Error('the core has not done the work');
  return times;
}

function objectsOnce(order: Uint32Array): Times {
  const pages = order.length;
  const system = new ObjectsSystem(2 * pages);
  const space = new Space();
  const vmo = new Vmo(pages);
  system.map(space, vmo, BASE_PAGES, pages);
  const times = phases(order, () => {
    for (let i = 0; i < pages; i++) system.fault(space, BASE_PAGES + (order[i] as number), true);
  }, () => { system.snapshot(vmo); });
  if (system.framesInUse !== 2 * pages) throw new Error('objects have not done the work');
  return times;
}

function typedOnce(system: TypedSystem, order: Uint32Array): Times {
  const pages = order.length;
  system.boot();
  const vmo = system.vmoCreate(pages);
  const space = system.aspaceCreate();
  system.map(space, vmo, BASE_PAGES, pages);
  const times = phases(order, () => {
    let failed = 0;
    for (let i = 0; i < pages; i++) {
      failed |= system.fault(space, BASE_PAGES + (order[i] as number), WRITE);
    }
    good(failed);
  }, () => { system.snapshot(vmo); });
  if (system.framesInUse !== 2 * pages) throw new Error('typed arrays have not done the work');
  return times;
}

function compare(
  context: Context, way: Way, reps: number,
  rival: { name: string; bar: number; run: () => Times },
): void {
  const pages = way.order.length;
  const core = bootCore(2 * pages + pages / 128 + 1024, pages * 64 + 2 ** 22);
  const rows = new Collector();
  const nameOf = (manner: Manner, phase: string): string =>
    `${rival.name}: ${phase}, ${way.name}, ${manner}`;
  for (let i = -2; i < reps; i++) {
    const single = oursOnce(core, way, 'single');
    const other = rival.run();
    const ranges = oursOnce(core, way, 'ranges');
    if (i < 0) continue;
    PHASES.forEach((phase, p) => {
      rows.add(nameOf('single', phase), single[p] as number, other[p]);
      rows.add(nameOf('ranges', phase), ranges[p] as number, other[p]);
    });
  }
  const asked: Record<Manner, string> = {
    single: 'a call from JavaScript for each',
    ranges: way.length === pages ? 'one range' : `a list of ranges of ${way.length} at once`,
  };
  for (const manner of ['single', 'ranges'] as const) {
    for (const phase of PHASES) {
      rows.emit(context, {
        name: nameOf(manner, phase), unit: 'ns/fault', ratioOf: 'other/ours',
        ...(manner === 'ranges' ? { bar: rival.bar } : {}),
        compares: `${rival.name} / the core, ${pages} faults in ${way.name} order, the core by `
          + `${asked[manner]}; entries included, contents not`,
      });
    }
  }
}

async function run(context: Context): Promise<void> {
  const pages = context.isShort ? 2 ** 17 : 2 ** 20;
  const ways: readonly Way[] = [
    { name: 'sequential', length: pages, order: Uint32Array.from({ length: pages }, (_, i) => i) },
    { name: 'random ranges', length: RANGE_PAGES, order: shuffledRanges(pages, RANGE_PAGES) },
    { name: 'random', length: 1, order: shuffledRanges(pages, 1) },
  ];
  for (const way of ways) {
    const typed = new TypedSystem(2 * pages + pages / 128 + 1024);
    compare(context, way, context.isShort ? 5 : 9, {
      name: 'typed', bar: TYPED_BAR, run: () => typedOnce(typed, way.order),
    });
    compare(context, way, context.isShort ? 3 : 5, {
      name: 'objects', bar: OBJECTS_BAR, run: () => objectsOnce(way.order),
    });
  }
}

/** All pages, in ranges of `length` whose order is shuffled. */
function shuffledRanges(pages: number, length: number): Uint32Array {
  const ranges = shuffled(pages / length, SEED);
  return Uint32Array.from({ length: pages },
    (_, i) => (ranges[Math.floor(i / length)] as number) * length + i % length);
}

/** Single faults against JavaScript. */
export const singles: Group = { name: 'singles', needsNative: false, run };
