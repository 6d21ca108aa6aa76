/** An access of several kinds at once needs all of its permissions, touched before or not. */
import t from 'tap';
import { System, VmOption, type ZxError } from '../support/api.js';
import { P } from './support.js';

const { PERM_READ, PERM_WRITE, PERM_EXECUTE } = VmOption;

function statusOf(call: () => unknown): string {
  try {
    call();
    return 'ZX_OK';
  } catch (error) {
    return (error as ZxError).status;
  }
}

t.test('every mix of read, write and execute, on pages in every state', async (t) => {
  for (const perms of [PERM_READ, PERM_READ | PERM_WRITE, PERM_READ | PERM_EXECUTE,
    PERM_READ | PERM_WRITE | PERM_EXECUTE]) {
    for (let before = 0; before <= 7; before++) {
      for (let access = 1; access <= 7; access++) {
        const system = System.boot({ memoryBytes: 64 * P });
        const process = system.rootJob.createProcess('p');
        const vmo = system.createVmo(2 * P).replaceAsExecutable();
        const address = process.rootVmar.map(perms, 0, vmo, 0, 2 * P);
        if (before !== 0) statusOf(() => process.touch(address, P, before));
        const expected = (access & ~perms) === 0 ? 'ZX_OK' : 'ZX_ERR_ACCESS_DENIED';
        const what = `perms ${perms}, after ${before}, access ${access}`;
        t.equal(statusOf(() => process.touch(address, P, access)), expected, what);
        t.equal(statusOf(() => process.touch(address, 2 * P, access)), expected, `${what}, both`);
      }
    }
  }
});
