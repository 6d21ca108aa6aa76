/**
 * Snapshots: that their cost does not follow the size of the VMO, nor a fault's the depth of the
 * chain.
 *
 * A batch takes many snapshots of one VMO in the timed part and releases them outside it; batches
 * of the large and the small VMO take turns.
 */
import type { AspaceRef, VmoRef } from '../../src/core/core.js';
import { Collector } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import { READ, WRITE } from '../support/machine.js';
import { bootCore, good, timed } from '../support/ours.js';
import type { Core } from '../../src/core/core.js';

const LARGE_PAGES = 2 ** 18; // 1 GiB
const BATCH = 1000;
const WARM_UPS = 5;
const READ_WRITE = 3;

interface Placing {
  readonly name: string;
  readonly bar: number;
  /** First virtual page, none for a VMO that is not mapped. */ readonly base?: number;
  readonly text: string;
}

const PLACINGS: readonly Placing[] = [
  { name: 'snapshot, unmapped', bar: 2, text: 'no mappings' },
  {
    name: 'snapshot, mapped aligned', bar: 2, base: 2 ** 18,
    text: 'each mapped once at a multiple of 1 GiB, every page present and written',
  },
  {
    name: 'snapshot, mapped unaligned', bar: 10, base: 2 ** 18 + 256 * 512 + 257,
    text: 'each mapped once, 1 MiB past a multiple of 2 MiB, every page present and written',
  },
];

/** A VMO with all its pages, in an address space of its own or unmapped. */
function makeVmo(core: Core, pages: number, base: number | undefined): VmoRef {
  const vmo = good<VmoRef>(core.vmoCreate(0, pages));
  good(core.vmoCommit(vmo, 0, pages));
  if (base === undefined) return vmo;
  const aspace = good<AspaceRef>(core.aspaceCreate());
  good(core.map(aspace, vmo, base, pages, 0, READ_WRITE));
  good(core.faultRange(aspace, base, pages, WRITE));
  return vmo;
}

/** Nanoseconds of one snapshot, from a batch of them. */
function batch(core: Core, vmo: VmoRef, made: Int32Array): number {
  const { raw } = core;
  const pages = core.vmoSizePages(vmo);
  const ns = timed(() => {
    for (let i = 0; i < made.length; i++) made[i] = raw.vmoSnapshot(vmo, 0, pages);
  });
  for (const child of made) core.vmoRelease(good<VmoRef>(child));
  return ns / made.length;
}

function sizes(context: Context, placing: Placing): void {
  const core = bootCore(LARGE_PAGES + 8192, 64 * 2 ** 20);
  const large = makeVmo(core, LARGE_PAGES, placing.base);
  const small = makeVmo(core, 1, placing.base);
  const made = new Int32Array(BATCH);
  const rows = new Collector();
  for (let i = -WARM_UPS; i < (context.isShort ? 21 : 101); i++) {
    const ours = batch(core, large, made);
    const other = batch(core, small, made);
    if (i >= 0) rows.add(placing.name, ours, other);
  }
  rows.emit(context, {
    name: placing.name, unit: 'ns', ratioOf: 'ours/other', bar: placing.bar,
    compares: `snapshot of a VMO of 1 GiB / of 4 KiB, ${placing.text}; ${BATCH} in a row, `
      + 'released outside the measured time',
  });
}

/** A chain of snapshots: the VMO at the end; each link has written a page of its own. */
function makeChain(core: Core, pages: number, depth: number): VmoRef {
  let vmo = makeVmo(core, pages, undefined);
  for (let i = 0; i < depth; i++) {
    vmo = good<VmoRef>(core.vmoSnapshot(vmo, 0, pages));
    good(core.vmoCommit(vmo, (i * 61) % pages, 1));
  }
  return vmo;
}

/** Faults of a fresh child of `vmo`: ns a page, read first, then written. */
function faultChild(core: Core, vmo: VmoRef, pages: number): { read: number; write: number } {
  const base = 2 ** 18;
  const child = good<VmoRef>(core.vmoSnapshot(vmo, 0, pages));
  const aspace = good<AspaceRef>(core.aspaceCreate());
  good(core.map(aspace, child, base, pages, 0, READ_WRITE));
  const read = timed(() => good(core.faultRange(aspace, base, pages, READ)));
  const write = timed(() => good(core.faultRange(aspace, base, pages, WRITE)));
  core.aspaceDestroy(aspace);
  core.vmoRelease(child);
  return { read: read / pages, write: write / pages };
}

function depths(context: Context): void {
  const pages = 2 ** 16;
  const core = bootCore(pages * 8, 96 * 2 ** 20);
  const deep = makeChain(core, pages, 999);
  const flat = makeChain(core, pages, 0);
  const rows = new Collector();
  for (let i = -WARM_UPS; i < (context.isShort ? 11 : 51); i++) {
    const ours = faultChild(core, deep, pages);
    const other = faultChild(core, flat, pages);
    if (i < 0) continue;
    rows.add('fault at depth 1000, read', ours.read, other.read);
    rows.add('fault at depth 1000, copy-on-write', ours.write, other.write);
  }
  for (const kind of ['read', 'copy-on-write']) {
    rows.emit(context, {
      name: `fault at depth 1000, ${kind}`, unit: 'ns/page', ratioOf: 'ours/other', bar: 1.5,
      compares: 'the 1000th snapshot of a chain whose links each wrote a page / the 1st snapshot; '
        + `${pages} pages in order, entries included, contents not`,
    });
  }
}

async function run(context: Context): Promise<void> {
  for (const placing of PLACINGS) sizes(context, placing);
  depths(context);
}

/** Snapshots by size and by depth. */
export const snapshots: Group = { name: 'snapshots', needsNative: false, run };
