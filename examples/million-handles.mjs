/**
 * Kernel memory in the form of handles: a process that maps nothing, commits nothing, and costs the
 * system more than any other.
 *
 *   node examples/million-handles.mjs
 */
import { System } from 'zircon-memsim';

const HANDLES = 1_000_000;
const MESSAGES = 1000;
const system = System.boot({ memoryBytes: 2 ** 28 });
const modest = system.rootJob.createProcess('modest');
const hoarder = system.rootJob.createProcess('hoarder');

/**
 * One line: what the tables say of both, and of the kernel.
 * @param {string} event
 */
async function show(event) {
  const { tasks } = await system.account({ policy: 'exact' });
  const kernel = [modest, hoarder].map(({ koid, name }) => {
    const row = tasks.koid.indexOf(koid);
    if (row < 0) return `${name} -`;
    return `${name} ${tasks.privateBytes[row]}/${tasks.kernelBytes?.[row]}`;
  });
  const { totalHeapBytes, ipcBytes } = system.kernelMemory();
  console.log(`${event.padEnd(22)} ${kernel.join('  ')}  heap ${totalHeapBytes}  ipc ${ipcBytes}`);
}

console.log('PRIVATE/KERNEL, bytes');
await show('two processes');

const event = hoarder.createEvent();
for (let i = 1; i < HANDLES; i++) event.duplicate();
await show('a million handles');

const [mine, other] = modest.createChannel();
hoarder.insertHandle(other);
for (let i = 0; i < MESSAGES; i++) mine.write(new Uint8Array(1000));
await show('a thousand messages');

hoarder.kill();
await show('the hoarder is killed');
