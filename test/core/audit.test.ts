/**
 * The audit sees what is broken: one word of the core's memory is changed by hand, and it says
 * which invariant no longer holds.
 */
import t from 'tap';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { VmoChild } from '../../src/objects/vmo-options.js';
import { newSystem } from '../support/api.js';
import { layout } from '../support/layout.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const MANY = 70_000; // pages of a mapping: more than one call works on

function makeWorld() {
  const system = newSystem(1024);
  const vmo = system.createVmo(40 * P);
  vmo.write(0, new Uint8Array(40 * P).fill(7));
  const clone = vmo.createChild(VmoChild.SNAPSHOT, 0, 40 * P);
  const process = system.rootJob.createProcess('p');
  const base = process.rootVmar.map(READ_WRITE, 0, clone, 0, 40 * P);
  const page = Number(base) / P;
  process.touch(base, 4 * P, Access.WRITE);
  process.touch(base + BigInt(8 * P), 4 * P, Access.READ);
  const wide = system.createVmo(MANY * P);
  const far = Number(process.rootVmar.map(READ_WRITE, 0, wide, 0, MANY * P)) / P;
  process.touch(BigInt(far + MANY - 1) * BigInt(P), P, Access.WRITE);
  const file = system.createFileVmo(4 * P);
  const live = file.createChild(VmoChild.SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * P);
  const pin = wide.pin(0, P);
  return { system, core: system.core, process, vmo, clone, wide, live, file, page, far, pin };
}
type World = ReturnType<typeof makeWorld>;

/** Address of a VMO's record, of the address space's, and of the entry of a page. */
const record = (ref: number): number => ref << 4;
const aspace = (w: World): number => record(w.process.object.aspace.ref);

const word = (w: World, address: number): number => w.core.u32[address >>> 2] as number;
const set = (w: World, address: number, value: number): void => {
  w.core.u32[address >>> 2] = value;
};
const add = (w: World, address: number, delta: number): void =>
  set(w, address, word(w, address) + delta);

/** Address of the leaf entry of a page. */
function entryAddress(w: World, page: number): number {
  const entry = w.core.entry(w.process.object.aspace.ref, page);
  const { u32 } = w.core;
  let at = word(w, aspace(w) + layout('AS_ROOT'));
  for (let level = 4; level > 0; level--) {
    const index = Math.floor(page / 512 ** (level - 1)) % 512;
    const data = word(w, at + layout('T_DATA'));
    const dense = w.core.u8[at + layout('T_CLASS')] === layout('CLASS_DENSE');
    let place = data + index * 4;
    if (!dense) {
      let rank = 0;
      for (let i = 0; i < index; i++) {
        rank += ((u32[(data >>> 2) + (i >>> 5)] as number) >>> (i & 31)) & 1;
      }
      place = data + layout('T_BITMAP') + rank * 4;
    }
    if (level === 1) {
      if (word(w, place) !== entry) throw new Error('the test walks tables wrongly');
      return place;
    }
    at = word(w, place) & ~15;
  }
  throw new Error('no entry');
}

const vmoRecord = (w: World): number => record(w.clone.object.tree.ref);

/** Root node's header of a VMO's tree. */
function header(w: World, vmo: number): number {
  const node = word(w, vmo + layout('V_ROOT')) << layout('NODE_SHIFT');
  const chunk = node & ~(layout('CHUNK_BYTES') - 1);
  const number = (node - chunk) >>> layout('NODE_SHIFT');
  return chunk + layout('NC_HEADERS') + number * layout('NH_BYTES');
}

const frameWord = (w: World, column: string): number => {
  const frame = w.core.vmoFrame(w.wide.object.tree.ref, MANY - 1);
  return word(w, layout(column)) + frame * 4;
};

const breaks: [name: string, says: string, spoil: (w: World) => void][] = [
  ['a read entry of a shared page becomes writable', 'writable entry', (w) => {
    set(w, entryAddress(w, w.page + 8), word(w, entryAddress(w, w.page + 8)) | layout('PTE_W'));
  }],
  ['an entry leads to another frame', 'page-table entry', (w) => {
    add(w, entryAddress(w, w.page + 1), 1 << layout('PTE_SHIFT'));
  }],
  ['far inside a large mapping an entry leads elsewhere', 'page-table entry', (w) => {
    add(w, entryAddress(w, w.far + MANY - 1), 1 << layout('PTE_SHIFT'));
  }],
  ['present entries are miscounted', 'present entries', (w) => {
    add(w, aspace(w) + layout('AS_PRESENT'), 1);
  }],
  ['page tables are miscounted', 'pages by state', (w) => {
    add(w, aspace(w) + layout('AS_TABLES'), 1);
  }],
  ['a table counts an entry too many', 'page table', (w) => {
    const table = word(w, aspace(w) + layout('AS_ROOT'));
    add(w, table + layout('T_COUNT'), 1);
  }],
  ['the look-aside buffer names another table', 'look-aside buffer', (w) => {
    w.core.entry(w.process.object.aspace.ref, w.page);
    const leaf = Math.floor(w.page / 512);
    const slot = (leaf ^ (aspace(w) >>> 6)) & layout('TLB_MASK');
    add(w, layout('H_TLB') + slot * 16 + 8, 16);
  }],
  ['a may-be-shared bit is clear over a shared page', 'may-be-shared mask', (w) => {
    set(w, header(w, vmoRecord(w)) + layout('NH_MASK'), 0);
  }],
  ['a subtree count is off', 'subtree count', (w) => {
    add(w, header(w, vmoRecord(w)) + layout('NH_COUNT'), 1);
  }],
  ['a node has a reference too many', 'node references', (w) => {
    add(w, header(w, record(w.wide.object.tree.ref)) + layout('NH_REFS'), 1);
  }],
  ['a frame has a reference too many', 'may-be-shared mask', (w) => {
    add(w, frameWord(w, 'H_FRAME_A'), 1);
  }],
  ['a frame has lost its reference', 'frame references', (w) => {
    add(w, frameWord(w, 'H_FRAME_A'), -1);
  }],
  ['a frame changes its state', 'pages by state', (w) => {
    add(w, frameWord(w, 'H_FRAME_B'), 1);
  }],
  ['a counter of pages moves', 'pages by state', (w) => {
    add(w, layout('H_STATES'), -1);
    add(w, layout('H_STATES') + 4 * layout('ST_MMU'), 1);
    add(w, layout('H_FRAME_BUMP'), 1);
  }],
  ['the free list has lost a frame', 'pages by state', (w) => {
    w.wide.object.system.core.vmoUnpin(w.wide.object.tree.ref, 0, 1);
    w.core.vmoZeroPages(w.wide.object.tree.ref, MANY - 1, 1);
    set(w, layout('H_FRAME_FREE'), 0);
  }],
  ['a VMO is smaller than its list', 'key outside the VMO', (w) => {
    set(w, vmoRecord(w) + layout('V_SIZE'), 39);
  }],
  ['pins are miscounted', 'pins', (w) => {
    add(w, record(w.wide.object.tree.ref) + layout('V_PINNED'), 1);
  }],
  ['pages with bytes are miscounted', 'contents', (w) => add(w, layout('H_CONTENTS'), 1)],
  ['a VMO is held once too often', 'references of a VMO', (w) => {
    add(w, record(w.file.object.tree.ref) + layout('V_REFS'), 1);
  }],
  ['mappings of a VMO are miscounted', 'references of a VMO', (w) => {
    add(w, vmoRecord(w) + layout('V_MAP_COUNT'), 1);
  }],
  ['the last path leaves its tree', 'last path', (w) => {
    w.wide.write((MANY - 1) * P, Uint8Array.of(1));
    add(w, layout('H_PATH') + 8, 128);
  }],
  ['the last path is shared by now', 'last path', (w) => {
    w.clone.write(0, Uint8Array.of(1));
    w.clone.createChild(VmoChild.SNAPSHOT, 0, 40 * P);
    set(w, layout('H_PATH_VMO'), vmoRecord(w));
  }],
  ['the last path is that of a VMO that is gone', 'last path', (w) => {
    set(w, layout('H_PATH_VMO'), 16);
  }],
  ['the mapping found last is none', 'mapping found last', (w) => {
    set(w, aspace(w) + layout('AS_LAST'), 16);
  }],
  ['a family\'s ring leads to a stranger', 'ring of a family', (w) => {
    set(w, vmoRecord(w) + layout('V_KIN'), record(w.wide.object.tree.ref));
  }],
  ['a page stands in a queue that it does not belong to', 'page queue', (w) => {
    w.core.queueSet(w.core.vmoFrame(w.vmo.object.tree.ref, 0), 'isolate');
  }],
  ['pages in a queue are miscounted', 'page queue', (w) => {
    add(w, layout('H_QUEUES') + 4 * layout('Q_ANONYMOUS'), 1);
  }],
  ['bytes of compressed pages are miscounted', 'compressed page', (w) => {
    w.wide.write(P, new Uint8Array(P).fill(3));
    w.core.vmoCompress(w.wide.object.tree.ref, 1, 1, 'all');
    add(w, layout('H_STORED_BYTES'), 1);
  }],
  ['a mapping reaches into the next', 'mapping', (w) => {
    const first = word(w, word(w, aspace(w) + layout('AS_INDEX')));
    add(w, first + layout('M_BASE'), 30);
  }],
];

for (const [name, says, spoil] of breaks) {
  t.test(name, async (t) => {
    const world = makeWorld();
    t.strictSame(world.core.audit(), [], 'whole before');
    spoil(world);
    t.match(world.core.audit().join(), new RegExp(`^${says}:`), `says ${says}`);
  });
}
