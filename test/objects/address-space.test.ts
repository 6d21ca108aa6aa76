/**
 * Random programs over one VMAR against an array with one entry a page: what is mapped where, with
 * which permissions, which access faults how. After each program the core's own invariants hold.
 */
import fc from 'fast-check';
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import type { Process } from '../../src/objects/process.js';
import type { Vmar } from '../../src/objects/vmar.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { VmoChild, VmoOption } from '../../src/objects/vmo-options.js';
import { runs } from '../support/long.js';
import { makeProcess, P, statusOf } from './support.js';

const PAGES = 24;
const VMO_PAGES = 12;
const { SPECIFIC, SPECIFIC_OVERWRITE, CAN_MAP_SPECIFIC, CAN_MAP_READ, CAN_MAP_WRITE } = VmOption;

interface Cell {
  readonly vmo: number;
  readonly page: number;
  readonly perms: number;
  readonly max: number;
}
type Model = (Cell | undefined)[];

interface World {
  readonly process: Process;
  readonly vmar: Vmar;
  readonly vmos: readonly Vmo[];
  readonly readOnly: readonly Vmo[];
  /** Pages of each VMO: a slice's end is nearer. */
  readonly ends: number[];
  readonly model: Model;
}

function makeWorld(): World {
  const { system, process } = makeProcess(256);
  const plain = system.createVmo(VMO_PAGES * P, VmoOption.RESIZABLE);
  const fixed = system.createVmo(VMO_PAGES * P);
  const slice = fixed.createChild(VmoChild.SLICE, 2 * P, 4 * P);
  const vmos = [plain, fixed, slice];
  const options = CAN_MAP_SPECIFIC | CAN_MAP_READ | CAN_MAP_WRITE;
  return {
    process, vmos, vmar: process.rootVmar.allocate(options, 0, PAGES * P),
    readOnly: vmos.map((vmo) => vmo.duplicate(vmo.rights & ~8)),
    ends: [VMO_PAGES, VMO_PAGES, 4],
    model: new Array<Cell | undefined>(PAGES).fill(undefined),
  };
}

const where = { at: fc.nat(PAGES - 1), length: fc.integer({ min: 1, max: 10 }) };
const operations = fc.oneof(
  fc.record({
    op: fc.constant('map' as const), ...where, vmo: fc.nat(2), page: fc.nat(VMO_PAGES),
    perms: fc.constantFrom(0, 1, 3), max: fc.constantFrom(1, 3), over: fc.boolean(),
  }),
  fc.record({ op: fc.constant('unmap' as const), ...where }),
  fc.record({ op: fc.constant('protect' as const), ...where, perms: fc.constantFrom(0, 1, 3) }),
  fc.record({
    op: fc.constant('touch' as const), ...where, access: fc.integer({ min: 1, max: 7 }),
  }),
  fc.record({ op: fc.constant('resize' as const), pages: fc.nat(VMO_PAGES) }),
);
type Operation = typeof operations extends fc.Arbitrary<infer O> ? O : never;
type Of<K extends Operation['op']> = Extract<Operation, { op: K }>;

function map(world: World, o: Of<'map'>): [string, string] {
  const { model, vmar } = world;
  const inside = o.at + o.length <= PAGES;
  const taken = model.slice(o.at, o.at + o.length).some((cell) => cell !== undefined);
  const expected = (o.perms & ~o.max) !== 0 ? 'ZX_ERR_ACCESS_DENIED'
    : !inside ? 'ZX_ERR_INVALID_ARGS'
      : taken && !o.over ? 'ZX_ERR_ALREADY_EXISTS' : 'ZX_OK';
  const handle = (o.max === 1 ? world.readOnly : world.vmos)[o.vmo] as Vmo;
  const options = o.perms | (o.over ? SPECIFIC_OVERWRITE : SPECIFIC);
  const got = statusOf(() => vmar.map(options, o.at * P, handle, o.page * P, o.length * P));
  if (expected === 'ZX_OK') {
    for (let i = 0; i < o.length; i++) {
      model[o.at + i] = { vmo: o.vmo, page: o.page + i, perms: o.perms, max: o.max };
    }
  }
  return [got, expected];
}

function unmap(world: World, o: Of<'unmap'>): [string, string] {
  const { model, vmar } = world;
  const inside = o.at + o.length <= PAGES;
  const got = statusOf(() => vmar.unmap(vmar.base + BigInt(o.at * P), o.length * P));
  if (inside) model.fill(undefined, o.at, o.at + o.length);
  return [got, inside ? 'ZX_OK' : 'ZX_ERR_INVALID_ARGS'];
}

/** Status of the first mapping that refuses, by address. */
function protectStatus(cells: Model, perms: number): string {
  for (const cell of cells) {
    if (cell === undefined) return 'ZX_ERR_NOT_FOUND';
    if ((perms & ~cell.max) !== 0) return 'ZX_ERR_ACCESS_DENIED';
  }
  return 'ZX_OK';
}

function protect(world: World, o: Of<'protect'>): [string, string] {
  const { model, vmar } = world;
  const cells = model.slice(o.at, o.at + o.length);
  const expected = o.at + o.length > PAGES ? 'ZX_ERR_INVALID_ARGS' : protectStatus(cells, o.perms);
  const got = statusOf(() => vmar.protect(o.perms, vmar.base + BigInt(o.at * P), o.length * P));
  if (expected === 'ZX_OK') {
    cells.forEach((cell, i) => {
      model[o.at + i] = { ...(cell as Cell), perms: o.perms };
    });
  }
  return [got, expected];
}

function touchStatus(world: World, o: Of<'touch'>): string {
  for (let i = o.at; i < o.at + o.length; i++) {
    const cell = world.model[i];
    if (cell === undefined) return 'ZX_ERR_NOT_FOUND';
    if ((o.access & ~cell.perms) !== 0) return 'ZX_ERR_ACCESS_DENIED';
    if (cell.page >= (world.ends[cell.vmo] as number)) return 'ZX_ERR_OUT_OF_RANGE';
  }
  return 'ZX_OK';
}

function touch(world: World, o: Of<'touch'>): [string, string] {
  const { vmar, process } = world;
  const address = vmar.base + BigInt(o.at * P);
  const expected = touchStatus(world, o);
  const got = statusOf(() => process.touch(address, o.length * P, o.access));
  if (expected === 'ZX_OK' && (o.access & Access.WRITE) !== 0) {
    const cell = world.model[o.at] as Cell;
    process.write(address, new Uint8Array([o.at + 1]));
    const seen = (world.vmos[cell.vmo] as Vmo).read(cell.page * P, 1)[0];
    return [`${got} ${seen}`, `${expected} ${o.at + 1}`];
  }
  return [got, expected];
}

function step(world: World, o: Operation): [string, string] {
  if (o.op === 'map') return map(world, o);
  if (o.op === 'unmap') return unmap(world, o);
  if (o.op === 'protect') return protect(world, o);
  if (o.op === 'touch') return touch(world, o);
  const got = statusOf(() => (world.vmos[0] as Vmo).setSize(o.pages * P));
  world.ends[0] = o.pages;
  return [got, 'ZX_OK'];
}

/** One text a page, from what the objects say. */
function layout({ vmar, vmos }: World): string[] {
  return Array.from({ length: PAGES }, (_, i) => {
    const mapping = vmar.mappingAt(vmar.base + BigInt(i * P));
    if (mapping === undefined) return '-';
    const first = Number(vmar.base) / P + i - mapping.basePage;
    const vmo = vmos.findIndex((v) => v.object === mapping.vmo);
    const perms = mapping.protections(first, 1)[0]!.perms;
    return `${vmo}:${mapping.vmoOffsetPages + first}:${perms}:${mapping.maxPerms}`;
  });
}

t.test('random programs over a VMAR do what an array of pages does', async (t) => {
  let steps = 0;
  const program = fc.array(operations, { minLength: 1, maxLength: 40, size: 'max' });
  fc.assert(fc.property(program, (list) => {
    const world = makeWorld();
    for (const operation of list) {
      steps += 1;
      const [got, expected] = step(world, operation);
      if (got !== expected) throw new Error(`${operation.op}: ${got}, expected ${expected}`);
      const expectedLayout = world.model.map((cell) =>
        cell === undefined ? '-' : `${cell.vmo}:${cell.page}:${cell.perms}:${cell.max}`);
      const gotLayout = layout(world);
      if (gotLayout.join() !== expectedLayout.join()) {
        throw new Error(`${operation.op}: ${gotLayout.join()}, expected ${expectedLayout.join()}`);
      }
    }
    const { core } = world.process.object.system;
    const broken = core.audit();
    if (broken.length > 0) throw new Error(broken.join('; '));
    const maps = world.process.getInfo(Topic.PROCESS_MAPS).filter((row) => row.type === 3);
    const mapped = maps.reduce((sum, row) => sum + Number(row.size) / P, 0);
    if (mapped !== world.model.filter((cell) => cell !== undefined).length) throw new Error('maps');
    for (const handle of [...world.vmos, ...world.readOnly]) handle.close();
    world.process.kill();
    if (core.freePages !== 256) throw new Error(`${256 - core.freePages} pages leaked`);
  }), { numRuns: runs(150, 5000) });
  t.ok(steps > 1000, `${steps} steps`);
});
