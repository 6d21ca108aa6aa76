/**
 * A VMO of 1 GiB on a system of 512 MiB is fine until its pages are used. Then the kernel warns,
 * takes what it can (a discardable cache), and in the end kills the job that is marked.
 *
 *   node examples/overcommit.mjs
 */
import { Access, MemoryLevel, System, Topic, VmoOp, VmoOption, VmOption } from 'zircon-memsim';

const MIB = 2 ** 20;
const system = System.boot({ memoryBytes: 512 * MIB, pressure: { oomBehavior: 'jobkill' } });
const names = Object.fromEntries(Object.entries(MemoryLevel).map(([name, n]) => [n, name]));
/** @param {number} bytes */
const mib = (bytes) => `${Math.round(bytes / MIB)} MiB`.padStart(7);
system.watchdog.observe(({ what, level, freeBytes, pages, jobKoid }) => {
  const how = what === 'level' ? names[level] : pages !== undefined
    ? `${pages} pages taken` : `job ${jobKoid} and all in it`;
  console.log(`  free ${mib(freeBytes)}  ${what.padEnd(6)} ${how}`);
});

const cache = system.createVmo(64 * MIB, VmoOption.DISCARDABLE);
cache.opRange(VmoOp.TRY_LOCK, 0, 64 * MIB);
cache.opRange(VmoOp.COMMIT, 0, 64 * MIB);
cache.opRange(VmoOp.UNLOCK, 0, 64 * MIB);

const job = system.rootJob.createJob('greedy');
job.setKillOnOom(true);
const process = job.createProcess('eater');
const vmo = system.createVmo(1024 * MIB);
const rights = VmOption.PERM_READ | VmOption.PERM_WRITE;
const base = process.rootVmar.map(rights, 0, vmo, 0, 1024 * MIB);
vmo.close();
console.log(`mapped 1 GiB, free ${mib(system.core.freePages * 4096)}`);

for (let at = 0; at < 1024; at += 32) {
  try {
    process.touch(base + BigInt(at * MIB), 32 * MIB, Access.WRITE);
    console.log(`wrote ${at + 32} MiB`);
  } catch (error) {
    console.log(`write at ${at} MiB: ${error instanceof Error ? error.message : error}`);
    break;
  }
}
const level = names[system.watchdog.level];
const { exited } = process.getInfo(Topic.PROCESS);
console.log(`level ${level}, the process is ${exited ? 'dead' : 'alive'}`);
system.advance(11_000_000_000n);
console.log(`11 seconds later: level ${names[system.watchdog.level]}`);
