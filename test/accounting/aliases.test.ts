/**
 * Frames that stand in several lists or at several keys: `exact` counts each once a process,
 * whether it reaches it by mappings or by handles alone, in whole units of 2^-63 byte.
 */
import * as fc from 'fast-check';
import t from 'tap';
import { VmOption } from '../../src/objects/vm-options.js';
import { VmoChild } from '../../src/objects/vmo-options.js';
import { walkMappings, walkProcesses } from '../../src/objects/walk.js';
import { System } from '../../src/system.js';
import { runs } from '../support/long.js';
import { checkFigures, framesMapped } from './by-frame.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;
const PAGES = 40;
const FRAMES = 6;

/** A place where a frame is inserted, and who maps or holds what. */
interface World {
  /** VMO, page and frame of each place. */ readonly places: [number, number, number][];
  /** VMOs that get a snapshot. */ readonly snapshots: number[];
  /** Process, VMO, and whether it maps it. */ readonly uses: [number, number, boolean][];
}

const worlds: fc.Arbitrary<World> = fc.record({
  places: fc.array(fc.tuple(fc.nat(3), fc.nat(PAGES - 1), fc.nat(FRAMES - 1)), { maxLength: 30 }),
  snapshots: fc.array(fc.nat(3), { maxLength: 3 }),
  uses: fc.array(fc.tuple(fc.nat(3), fc.nat(6), fc.boolean()), { maxLength: 14 }),
});

function build({ places, snapshots, uses }: World): System {
  const system = System.boot({ memoryBytes: 512 * P });
  const { core } = system;
  const vmos = [0, 1, 2, 3].map(() => system.createVmo(PAGES * P));
  const first = core.framesCreate(FRAMES);
  const used = new Set<number>();
  for (const [vmo, page, frame] of places) {
    const list = Uint32Array.of(first + frame);
    const { ref } = vmos[vmo]!.object.tree;
    if (core.vmoCommittedPages(ref, page, 1) > 0) continue;
    core.vmoInsertFrames(ref, page, list, used.has(frame));
    used.add(frame);
  }
  // a frame of no list is none that a test may leave
  for (let frame = 0; frame < FRAMES; frame++) {
    if (!used.has(frame)) {
      const rest = system.createVmo(P);
      core.vmoInsertFrames(rest.object.tree.ref, 0, Uint32Array.of(first + frame), false);
    }
  }
  for (const vmo of snapshots) {
    vmos.push(vmos[vmo]!.createChild(VmoChild.SNAPSHOT, 0, PAGES * P));
  }
  const processes = [0, 1, 2, 3].map((i) => system.rootJob.createProcess(`p${i % 2}`));
  for (const [process, vmo, maps] of uses) {
    const handle = vmos[vmo % vmos.length]!;
    if (maps) processes[process]!.rootVmar.map(READ_WRITE, 0, handle, 0, PAGES * P);
    else processes[process]!.insertHandle(handle.duplicate());
  }
  return system;
}

t.test('a frame in many places is one page to a process', async (t) => {
  const property = fc.asyncProperty(worlds, async (world) => {
    const system = build(world);
    checkFigures(system, await system.account({ policy: 'exact', reach: 'committed' }));
    const found = system.core.audit();
    if (found.length > 0) throw new Error(found.join());
  });
  const result = await fc.check(property, { numRuns: runs(150, 20_000), seed: 5 });
  t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'all hold');
});

/** Distinct frames by group, and those that only its members reach, counted one by one. */
function groupsOf(system: System): Map<string, [pages: number, own: number]> {
  const owners = new Map<number, Set<string>>();
  for (const process of walkProcesses(system.rootJob.object)) {
    for (const mapping of walkMappings(process.aspace)) {
      for (const frame of framesMapped(system.core, mapping)) {
        owners.set(frame, (owners.get(frame) ?? new Set()).add(process.name));
      }
    }
  }
  const groups = new Map<string, [number, number]>();
  for (const names of owners.values()) {
    for (const name of names) {
      const [pages, own] = groups.get(name) ?? [0, 0];
      groups.set(name, [pages + 1, own + (names.size === 1 ? 1 : 0)]);
    }
  }
  return groups;
}

t.test('a frame in many places is one page to a group', async (t) => {
  const property = fc.asyncProperty(worlds, async (world) => {
    const system = build(world);
    const { groups } = await system.account({ policy: 'exact', groups: { by: 'name' } });
    const counted = groupsOf(system);
    groups?.key.forEach((name, row) => {
      const [pages, own] = counted.get(String(name)) ?? [0, 0];
      const got = [groups.privateBytes[row], groups.sharedBytes[row]];
      const wanted = [own * P, (pages - own) * P];
      if (String(got) !== String(wanted)) throw new Error(`${name}: ${got} for ${wanted}`);
    });
    if (groups?.count !== 2) throw new Error(`${groups?.count} groups`);
  });
  const result = await fc.check(property, { numRuns: runs(100, 20_000), seed: 6 });
  t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'all hold');
});

t.test('what is held by handles alone is shared in whole units', async (t) => {
  const system = System.boot({ memoryBytes: 512 * P });
  const vmo = system.createVmo(P);
  vmo.write(0, Uint8Array.of(1));
  const processes = [0, 1, 2].map((i) => system.rootJob.createProcess(`p${i}`));
  for (const process of processes) process.insertHandle(vmo.duplicate());
  const { tasks } = await system.account({ policy: 'exact' });
  const share = (4096n << 63n) / 3n;
  for (const { koid } of processes) {
    const row = tasks.koid.indexOf(koid);
    t.equal(tasks.unmapped?.bytes[row], share >> 63n);
    t.equal(tasks.unmapped?.fraction[row], share & ((1n << 63n) - 1n));
    t.equal(tasks.unmappedBytes?.[row], 1365);
  }
  t.equal(tasks.unmapped?.bytes[0], (3n * share) >> 63n, 'the job has the sum');
});
