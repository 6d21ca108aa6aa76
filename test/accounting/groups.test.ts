/** Groups of processes under `exact`: each page once, members by name or job, refusals. */
import t from 'tap';
import { Access, VmOption } from '../../src/objects/vm-options.js';
import { System } from '../../src/system.js';
import { groupRows } from '../../src/views/groups.js';

const P = 4096;
const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

/** Pages 0-5 of one VMO: web reaches 0-2 and 1-3, db in an inner job 3-5; web 2 has a page more. */
const world = (): System => {
  const system = System.boot({ rootJobKoid: 1024 });
  const jobs = [system.rootJob, system.rootJob, system.rootJob.createJob('in', { koid: 1030 })];
  const vmo = system.createVmo(6 * P);
  const names = ['web', 'web', 'db'];
  jobs.forEach((job, i) => {
    const process = job.createProcess(names[i] as string, { koid: 2000 + i });
    const first = [0, 1, 3][i] as number;
    const at = process.rootVmar.map(READ_WRITE, 0, vmo, first * P, 3 * P);
    process.touch(at, 3 * P, Access.WRITE);
    process.rootVmar.map(READ_WRITE, 0, vmo, first * P, P); // once more: no page more
    if (i !== 1) return;
    const own = process.rootVmar.map(READ_WRITE, 0, system.createVmo(P), 0, P);
    process.touch(own, P, Access.WRITE);
  });
  return system;
};

t.test('pages that only members reach are private to the group', async (t) => {
  const system = world();
  const tables = await system.account({ policy: 'exact', groups: { by: 'name' } });
  const rows = groupRows(tables, 'name');
  t.match(rows, [
    { name: 'web', processes: 2, privateBytes: 4 * P, sharedBytes: P,
      pss: { bytes: BigInt(4.5 * P), fraction: 0n } },
    { name: 'db', processes: 1, privateBytes: 2 * P, sharedBytes: P,
      pss: { bytes: BigInt(2.5 * P), fraction: 0n } },
  ], 'page 3 is shared, 1 and 2 are both web\'s');
  const sums = groupRows(await system.account({ policy: 'exact' }), 'name');
  t.match(sums[0], { privateBytes: 2 * P, sharedBytes: 5 * P }, 'members\' sums count them twice');
});

t.test('groups by job, and of one job\'s subtree: the others stay owners', async (t) => {
  const system = world();
  const byJob = await system.account({ policy: 'exact', groups: { by: 'job' } });
  t.match(groupRows(byJob, 'job'), [
    { name: 'root', koid: 1024, privateBytes: 4 * P }, { name: 'in', koid: 1030, sharedBytes: P },
  ]);
  const inner = await system.account({ policy: 'exact', groups: { by: 'name', jobKoid: 1030 } });
  t.match(groupRows(inner, 'name', 1030), [{ name: 'db', privateBytes: 2 * P, sharedBytes: P }]);
  t.equal(groupRows(inner, 'name', 1030).length, 1);
  const none = await system.account({ policy: 'exact', groups: { by: 'name', jobKoid: 7 } });
  t.equal(none.groups?.count, 0);
  const users = await system.account({ policy: 'exact', groups: { by: 'user' } });
  t.strictSame(users.groups?.key, ['-'], 'nobody knows users');
});

t.test('by present entries a page is reached only where a table has it', async (t) => {
  const tables = await world().account({
    policy: 'exact', reach: 'present', groups: { by: 'name' }, workers: 2, shareAbovePages: 0,
  });
  t.match(groupRows(tables, 'name'), [
    { name: 'web', privateBytes: 4 * P, sharedBytes: P }, { name: 'db', privateBytes: 2 * P },
  ]);
});

t.test('other policies have no groups, and what cannot be meant is refused', async (t) => {
  const system = world();
  t.equal((await system.account({ groups: { by: 'name' } })).groups, undefined);
  for (const groups of [{ by: 'age' }, {}, 5, { by: 'name', jobKoid: -1 }]) {
    const error: unknown = await system.account({
      policy: 'exact', groups: groups as { by: 'name' },
    }).catch((reason: unknown) => reason);
    t.match(error, { status: 'ZX_ERR_INVALID_ARGS' }, JSON.stringify(groups));
  }
  t.ok(await system.account(), 'nothing is left under way');
  await system.close();
});
