/**
 * Physical memory runs out at each page in turn: the call fails with ZX_ERR_NO_MEMORY and has
 * changed nothing, until there is enough.
 */
import t from 'tap';
import { VmoChild, VmoOp, VmoOption } from '../../src/objects/vmo-options.js';
import { makeProcess, P, refused, statusOf, word } from './support.js';

/** A forked VMO, mapped before another one. */
function makeWorld() {
  const { system, process } = makeProcess(200);
  const vmo = system.createVmo(40 * P, VmoOption.RESIZABLE);
  vmo.write(0, new Uint8Array(40 * P).fill(7));
  const clone = vmo.createChild(VmoChild.SNAPSHOT | VmoChild.RESIZABLE, 0, 40 * P);
  const address = process.rootVmar.map(3, 0, clone, 0, 20 * P);
  process.rootVmar.map(3, 0, system.createVmo(8 * P), 0, 8 * P);
  return { system, process, clone, address };
}
type World = ReturnType<typeof makeWorld>;

const calls: [name: string, call: (world: World) => unknown][] = [
  ['write', (w) => w.clone.write(P - 2, word(1))],
  ['setSize', (w) => w.clone.setSize(P + 5)],
  ['setStreamSize', (w) => w.clone.setStreamSize(5)],
  ['commit', (w) => w.clone.opRange(VmoOp.COMMIT, 0, 10 * P)],
  ['pin', (w) => w.clone.pin(0, 3 * P)],
  ['touch over two mappings', (w) => w.process.touch(w.address + BigInt(18 * P), 4 * P, 2)],
  ['process.write', (w) => w.process.write(w.address + BigInt(P - 2), word(5))],
  ['process.read', (w) => w.process.read(w.address, 5 * P)],
];

/** A world with so many pages free. */
function makeFull(free: number): World {
  const world = makeWorld();
  world.system.addKernelUse({ otherPages: world.system.core.freePages - free });
  return world;
}

for (const [name, call] of calls) {
  t.test(`${name} is all or nothing when memory runs out`, async (t) => {
    let free = 0;
    while (free < 60 && statusOf(() => call(makeFull(free))) !== 'ZX_OK') {
      const world = makeFull(free);
      refused(t, world.system, 'ZX_ERR_NO_MEMORY', () => call(world), `${free} pages free`);
      t.strictSame(world.system.core.audit(), [], 'the core is sound');
      free += 1;
    }
    t.ok(free > 0 && free < 60, `${free} pages are enough`);
  });
}
