/**
 * A touch that crosses many mappings: what each of them takes is reserved together.
 */

import t from 'tap';
import { Access, System, VmoChild, VmOption, ZxError } from '../../src/index.js';

const PAGE = 4096;
/** Status that a call is refused with; undefined if it is not. */
function refusal(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof ZxError) return error.status;
    throw error;
  }
  return undefined;
}

const READ_WRITE = VmOption.PERM_READ | VmOption.PERM_WRITE;

t.test('one write over 400 mappings leaves every invariant whole', async (t) => {
  for (const variant of ['release', 'debug'] as const) {
    const system = System.boot({ memoryBytes: 2 ** 28, variant });
    const process = system.rootJob.createProcess('wide');
    const size = 32 * PAGE;
    const first = process.rootVmar.map(READ_WRITE, 0, system.createVmo(size), 0, size);
    for (let i = 1; i < 400; i++) {
      process.rootVmar.map(READ_WRITE, 0, system.createVmo(size), 0, size);
    }
    process.touch(first, 400 * size, Access.WRITE);
    t.same(system.core.audit(), [], variant);
    t.equal(system.core.aspacePresentPages(process.object.aspace.ref), 400 * 32);
  }
});

t.test('one write over mappings of tall trees with snapshots does too', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 28 });
  const process = system.rootJob.createProcess('tall');
  const tall = 2 ** 32;
  let first = 0n;
  for (let i = 0; i < 300; i++) {
    const vmo = system.createVmo(tall);
    vmo.write(tall - PAGE, new Uint8Array([i & 255]));
    const address = process.rootVmar.map(READ_WRITE, 0, vmo, 0, 4 * PAGE);
    if (i === 0) first = address;
    vmo.createChild(VmoChild.SNAPSHOT, 0, tall);
  }
  process.touch(first, 300 * 4 * PAGE, Access.WRITE);
  t.same(system.core.audit(), []);
});

t.test('a slice of a resizable VMO is refused through a reference as well', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 24 });
  const reference = system.createVmo(2 * PAGE, 1 << 1).createChild(VmoChild.REFERENCE, 0, 0);
  const slice = (): unknown => reference.createChild(VmoChild.SLICE, PAGE, PAGE);
  t.equal(refusal(slice), 'ZX_ERR_NOT_SUPPORTED');
});

t.test('a read keeps the dirty bit of entries beside it', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 24 });
  const process = system.rootJob.createProcess('dirty');
  const address = process.rootVmar.map(READ_WRITE, 0, system.createVmo(2 * PAGE), 0, 2 * PAGE);
  process.touch(address + BigInt(PAGE), PAGE, Access.WRITE);
  const page = Number(address / BigInt(PAGE)) + 1;
  const before = system.core.entry(process.object.aspace.ref, page);
  process.touch(address, 2 * PAGE, Access.READ);
  t.equal(system.core.entry(process.object.aspace.ref, page), before);
});

t.test('a commit that cannot succeed says so at once, however much it asks for', async (t) => {
  const system = System.boot({ memoryBytes: 2 ** 22 });
  const vmo = system.createVmo(2 ** 50);
  t.equal(refusal(() => vmo.opRange(1, 0, 2 ** 50)), 'ZX_ERR_NO_MEMORY');
});
