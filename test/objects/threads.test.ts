/**
 * Threads: their states, how they end, and where tables show them.
 */
import t from 'tap';
import { Topic } from '../../src/objects/info.js';
import { Right } from '../../src/objects/rights.js';
import { Signal } from '../../src/objects/signals.js';
import { BlockedOn, ExceptionChannel, ThreadState } from '../../src/objects/thread-object.js';
import { System } from '../../src/system.js';
import { psRows, psText } from '../../src/views/ps.js';
import { makeProcess, P, refused, statusOf } from './support.js';

t.test('states, and what each refuses', async (t) => {
  const { system: s, process } = makeProcess();
  const thread = process.createThread('main');
  const state = (): number => thread.getInfo(Topic.THREAD).state;
  t.equal(state(), ThreadState.NEW);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => thread.block(), 'block a new one');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => thread.exit(), 'exit a new one');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => thread.resume(), 'resume');
  refused(t, s, 'ZX_ERR_ACCESS_DENIED', () => thread.duplicate(Right.INSPECT).start(), 'rights');
  thread.start();
  t.equal(state(), ThreadState.RUNNING);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => thread.start(), 'start twice');
  thread.block();
  t.equal(state(), ThreadState.BLOCKED);
  thread.suspend();
  thread.suspend();
  thread.resume();
  t.equal(state(), ThreadState.SUSPENDED);
  thread.resume();
  thread.unblock();
  t.equal(state(), ThreadState.RUNNING);
  t.match(thread.getInfo(Topic.HANDLE_BASIC), { type: 2, relatedKoid: process.koid });
  const second = process.createThread('worker');
  const idle = process.createThread('idle');
  t.strictSame(process.getInfo(Topic.PROCESS_THREADS), [thread, second, idle].map((x) => x.koid));
  second.start();
  second.exit();
  t.equal(second.getInfo(Topic.THREAD).state, ThreadState.DEAD);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => second.suspend(), 'suspend a dead one');
  t.strictSame(process.getInfo(Topic.PROCESS_THREADS), [thread.koid, idle.koid]);
  thread.exit();
  t.strictSame(process.getInfo(Topic.PROCESS), { returnCode: 0, exited: true }, 'the last one');
  t.equal(idle.getInfo(Topic.THREAD).state, ThreadState.DEAD);
  refused(t, s, 'ZX_ERR_BAD_STATE', () => process.createThread(), 'a thread of a dead process');
  const poor = s.rootJob.createProcess().duplicate(Right.INSPECT);
  t.equal(statusOf(() => poor.createThread()), 'ZX_ERR_ACCESS_DENIED');
});

t.test('in an exception a thread waits until that is handled', async (t) => {
  const { system: s, process } = makeProcess();
  const thread = process.createThread('main');
  const info = (): object => thread.getInfo(Topic.THREAD);
  const bad = (call: () => void, what: string): void => {
    refused(t, s, 'ZX_ERR_BAD_STATE', call, what);
  };
  bad(() => thread.raiseException(), 'a new one');
  thread.start();
  t.strictSame(info(), { state: ThreadState.RUNNING, waitExceptionChannelType: 0 });
  thread.block(BlockedOn.CHANNEL);
  t.strictSame(info(), { state: 0x503, waitExceptionChannelType: 0 });
  bad(() => thread.raiseException(), 'one that waits');
  thread.unblock();
  bad(() => thread.handleException(), 'there is none');
  thread.raiseException(ExceptionChannel.DEBUGGER);
  thread.suspend();
  t.strictSame(info(), { state: 0x103, waitExceptionChannelType: 1 });
  t.equal(thread.signals, Signal.SUSPENDED);
  for (const call of [
    () => thread.raiseException(), () => thread.block(), () => thread.unblock(),
    () => thread.beginExit(),
  ]) bad(call, String(call));
  thread.handleException();
  t.match(info(), { state: ThreadState.SUSPENDED, waitExceptionChannelType: 0 });
  thread.resume();
  t.match(info(), { state: ThreadState.RUNNING });
  for (const call of [
    () => thread.block(10 as BlockedOn), () => thread.block(BlockedOn.EXCEPTION),
    () => thread.raiseException(0), () => thread.raiseException(6 as ExceptionChannel),
  ]) t.equal(statusOf(call), 'ZX_ERR_INVALID_ARGS', String(call));
  t.match(info(), { state: ThreadState.RUNNING });
});

t.test('a dying thread can only raise an exception, and die', async (t) => {
  const { system: s, process } = makeProcess();
  const thread = process.createThread('main');
  refused(t, s, 'ZX_ERR_BAD_STATE', () => thread.beginExit(), 'a new one');
  thread.start();
  thread.block();
  thread.suspend();
  thread.beginExit();
  t.match(thread.getInfo(Topic.THREAD), { state: ThreadState.DYING });
  t.equal(thread.signals, Signal.RUNNING, 'until it is dead');
  for (const call of [
    () => thread.beginExit(), () => thread.suspend(), () => thread.resume(),
    () => thread.block(), () => thread.unblock(), () => thread.start(),
  ]) refused(t, s, 'ZX_ERR_BAD_STATE', call, String(call));
  thread.raiseException();
  t.match(thread.getInfo(Topic.THREAD), { state: ThreadState.DYING, waitExceptionChannelType: 3 });
  t.notOk(process.getInfo(Topic.PROCESS).exited);
  thread.exit();
  t.match(thread.getInfo(Topic.THREAD), { state: ThreadState.DEAD, waitExceptionChannelType: 0 });
  t.ok(process.getInfo(Topic.PROCESS).exited);
});

t.test('signals say what became of a thread, its process and its job', async (t) => {
  const { system } = makeProcess();
  const { TERMINATED, RUNNING, SUSPENDED, NO_JOBS, NO_PROCESSES, NO_CHILDREN } = Signal;
  const job = system.rootJob.createJob('j');
  t.equal(job.signals, NO_JOBS | NO_PROCESSES | NO_CHILDREN);
  const process = job.createProcess('p');
  t.equal(job.signals, NO_JOBS);
  const inner = job.createJob('inner');
  t.strictSame([job.signals, process.signals], [0, 0]);
  const thread = process.createThread('t');
  t.equal(thread.signals, 0);
  thread.start();
  thread.block();
  t.equal(thread.signals, RUNNING);
  thread.suspend();
  t.equal(thread.signals, SUSPENDED);
  inner.close();
  job.kill();
  t.strictSame([thread.signals, process.signals], [TERMINATED, TERMINATED]);
  t.equal(job.signals, TERMINATED | NO_JOBS | NO_PROCESSES | NO_CHILDREN);
});

t.test('records come back', async (t) => {
  const { system: s, process } = makeProcess();
  const { usedBytes } = s.heap;
  process.createThread().close();
  t.equal(s.heap.usedBytes, usedBytes, 'never started');
  const thread = process.createThread();
  thread.start();
  thread.close();
  t.equal(process.getInfo(Topic.PROCESS_THREADS).length, 1, 'it runs without a handle');
  process.kill();
  t.equal(process.getInfo(Topic.PROCESS_THREADS).length, 0);
  t.ok(s.heap.usedBytes <= usedBytes);
});

t.test('ps -T shows them after their process', async (t) => {
  const s = System.boot({ memoryBytes: 4096 * P, rootJobKoid: 1024 });
  const process = s.rootJob.createProcess('app', { koid: 2000 });
  s.rootJob.createJob('j', { koid: 2001 });
  process.createThread('main', { koid: 2002 }).start();
  process.createThread('idle', { koid: 2003 });
  const others = ['susp', 'blocked', 'dying', 'excp'].map((name, i) => {
    const thread = process.createThread(name, { koid: 2004 + i });
    thread.start();
    return thread;
  });
  others[0]!.suspend();
  others[1]!.block(BlockedOn.PORT);
  others[2]!.beginExit();
  others[3]!.raiseException();
  others[3]!.suspend();
  const { tasks, ...rest } = await s.account({ policy: 'exact' });
  t.strictSame([...tasks.koid], [1024, 2000, 2002, 2003, 2004, 2005, 2006, 2007, 2001]);
  t.strictSame([...tasks.type], [0, 1, 2, 2, 2, 2, 2, 2, 0]);
  t.strictSame([...tasks.parentKoid].slice(0, 4), [0, 1024, 2000, 2000]);
  const rows = psRows({ tasks, ...rest }, { threads: true });
  t.equal(psText(rows, { era: 'page', threads: true }), [
    'TASK           PSS PRIVATE  SHARED   STATE NAME',
    'j:1024          0B      0B                 root',
    '  p:2000        0B      0B      0B         app',
    '    t:2002                         running main',
    '    t:2003                             new idle',
    '    t:2004                            susp susp',
    '    t:2005                         blocked blocked',
    '    t:2006                           dying dying',
    '    t:2007                            excp excp',
    '  j:2001        0B      0B                 j',
    'TASK           PSS PRIVATE  SHARED   STATE NAME', '',
  ].join('\n'));
  t.equal(psRows({ tasks, ...rest }, {}).length, 3, 'without -T they are left out');
});
