/**
 * Jobs: policies, what ends with which code, who dies when memory runs out.
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import type { Job } from '../../src/objects/job.js';
import {
  PolicyAction, PolicyCondition, PolicyMode, PolicyOverride,
} from '../../src/objects/job-policy.js';
import { KernelDoor } from '../../src/objects/kernel-door.js';
import { Right } from '../../src/objects/rights.js';
import { VmOption } from '../../src/objects/vm-options.js';
import { makeSystem, P, refused, statusOf } from './support.js';

const { NEW_ANY, NEW_VMO, NEW_EVENT, VMAR_WX, BAD_HANDLE } = PolicyCondition;
const { ALLOW, DENY, KILL } = PolicyAction;
const { ABSOLUTE, RELATIVE } = PolicyMode;

t.test('a policy binds the processes of a job and of the jobs below (10.6)', async (t) => {
  const s = makeSystem();
  const job = s.rootJob.createJob('strict');
  job.setPolicy(ABSOLUTE, [{ condition: NEW_VMO, action: DENY }]);
  const child = job.createJob('child');
  const process = child.createProcess('p');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => process.createVmo(P), 'NEW_VMO');
  t.ok(s.createVmo(P).isOpen, 'the host program is no process of the job');
  const free = s.rootJob.createProcess('q');
  const vmo = free.createVmo(P);
  t.equal(free.handle(vmo.value), vmo, 'in its table');
  t.equal(vmo.value & 3, 3);
  job.setName('x');
  refused(t, s, 'ZX_ERR_BAD_STATE',
    () => job.setPolicy(ABSOLUTE, [{ condition: NEW_VMO, action: ALLOW }]), 'a child job');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => child.setPolicy(RELATIVE, [
    { condition: NEW_VMO, action: ALLOW }]), 'a process');
});

t.test('who may override', async (t) => {
  const s = makeSystem();
  const job = s.rootJob.createJob();
  const { DENY: FIXED } = PolicyOverride;
  job.setPolicy(ABSOLUTE, [{ condition: NEW_ANY, action: DENY, override: FIXED }]);
  const strict = job.createJob();
  refused(t, s, 'ZX_ERR_ALREADY_EXISTS', () => strict.setPolicy(ABSOLUTE, [
    { condition: VMAR_WX, action: DENY }, { condition: NEW_EVENT, action: ALLOW }]), 'absolute');
  strict.setPolicy(ABSOLUTE, [{ condition: NEW_EVENT, action: DENY, override: FIXED }]);
  strict.setPolicy(RELATIVE, [{ condition: NEW_ANY, action: ALLOW }]);
  const process = strict.createProcess();
  t.equal(statusOf(() => process.createVmo(P)), 'ZX_ERR_ACCESS_DENIED', 'relative is skipped');
  const bad: [string, Parameters<Job['setPolicy']>, string][] = [
    ['ZX_ERR_NOT_SUPPORTED', [ABSOLUTE, [{ condition: NEW_VMO, action: 5 }]], 'action'],
    ['ZX_ERR_INVALID_ARGS', [ABSOLUTE, [{ condition: 18, action: DENY }]], 'condition'],
    ['ZX_ERR_INVALID_ARGS', [2, [{ condition: NEW_VMO, action: DENY }]], 'mode'],
    ['ZX_ERR_INVALID_ARGS',
      [ABSOLUTE, [{ condition: NEW_VMO, action: DENY, override: 2 }]], 'override'],
    ['ZX_ERR_INVALID_ARGS', [ABSOLUTE, []], 'no entry'],
    ['ZX_ERR_OUT_OF_RANGE',
      [ABSOLUTE, Array.from({ length: 19 }, () => ({ condition: NEW_VMO, action: DENY }))], 'many'],
  ];
  const empty = s.rootJob.createJob();
  for (const [status, args, name] of bad) {
    refused(t, s, status as 'ZX_ERR_INVALID_ARGS', () => empty.setPolicy(...args), name);
  }
  t.equal(empty.createProcess().createVmo(P).isOpen, true, 'nothing of it was set');
  const poor = s.rootJob.createJob().duplicate(Right.INSPECT);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED',
    () => poor.setPolicy(ABSOLUTE, [{ condition: NEW_VMO, action: DENY }]), 'SET_POLICY');
});

t.test('VMAR_WX, BAD_HANDLE, KILL', async (t) => {
  const s = makeSystem();
  const job = s.rootJob.createJob();
  job.setPolicy(ABSOLUTE, [
    { condition: VMAR_WX, action: DENY }, { condition: BAD_HANDLE, action: KILL },
    { condition: NEW_EVENT, action: PolicyAction.ALLOW_EXCEPTION },
    { condition: PolicyCondition.NEW_PORT, action: PolicyAction.DENY_EXCEPTION },
  ]);
  const process = job.createProcess();
  const code = s.createVmo(P).replaceAsExecutable();
  const { rootVmar } = process;
  const wx = VmOption.PERM_READ | VmOption.PERM_WRITE | VmOption.PERM_EXECUTE;
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => rootVmar.map(wx, 0, code, 0, P), 'map');
  const address = rootVmar.map(wx & ~VmOption.PERM_WRITE, 0, code, 0, P);
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => rootVmar.protect(wx, address, P), 'protect');
  t.ok(s.rootJob.createProcess().rootVmar.map(wx, 0, code, 0, P) > 0n, 'elsewhere it is fine');
  t.equal(statusOf(() => process.handle(2)), 'ZX_ERR_ACCESS_DENIED');
  t.strictSame(process.getInfo(Topic.PROCESS), { returnCode: -1026, exited: true });
  t.equal(statusOf(() => s.rootJob.createProcess().handle(2)), 'ZX_ERR_BAD_HANDLE');
});

t.test('memory runs out: the deepest marked job dies, of equals the last (8.5)', async (t) => {
  const s = makeSystem();
  const door = new KernelDoor(s);
  const a = s.rootJob.createJob('a');
  const b = a.createJob('b');
  const c = s.rootJob.createJob('c');
  const d = c.createJob('d');
  const process = d.createProcess('p');
  t.equal(door.oomKill(), undefined, 'none is marked');
  for (const job of [a, b, d]) job.setKillOnOom(true);
  t.equal(door.oomKill(), d.koid);
  t.strictSame(d.getInfo(Topic.JOB), { returnCode: -1025, exited: true, killOnOom: true });
  t.equal(process.getInfo(Topic.PROCESS).returnCode, -1025);
  t.equal(door.oomKill(), b.koid, 'one a time');
  a.setKillOnOom(false);
  t.equal(door.oomKill(), undefined, 'the dead are passed over');
  t.strictSame(c.getInfo(Topic.JOB), { returnCode: 0, exited: false, killOnOom: false });
  c.kill();
  t.equal(c.getInfo(Topic.JOB).returnCode, -1024);
  t.equal(statusOf(() => a.duplicate(Right.READ).setKillOnOom(true)), 'ZX_ERR_ACCESS_DENIED');
});
