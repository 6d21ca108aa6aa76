/** The arena of handles against its rules said plainly: slots, free slots, pages by four. */
import fc from 'fast-check';
import t from 'tap';
import { HandleArena } from '../../src/objects/handle-arena.js';
import { runs } from '../support/long.js';

const P = 4096;

/** A pool as a list of its slots and a number of pages. */
class ModelPool {
  slots = 0;
  pages = 0;
  most = 0;

  constructor(readonly bytes: number) {}

  set(slots: number): void {
    for (; this.slots < slots; this.slots += 1) {
      if ((this.slots + 1) * this.bytes > this.pages * P) this.pages += 4;
      this.most = Math.max(this.most, this.pages);
    }
    for (; this.slots > slots; this.slots -= 1) {
      const needed = (this.slots - 1) * this.bytes;
      if (this.pages * P - needed >= 8 * P) this.pages = Math.ceil(needed / P) + 4;
    }
  }
}

t.test('slots, free slots and pages after any number of handles that come and go', async (t) => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 30 }),
    (steps) => {
      const arena = new HandleArena();
      const [control, data] = [new ModelPool(16), new ModelPool(32)];
      let [open, most] = [0, 0];
      for (const step of steps) {
        const target = Math.max(0, open + step);
        while (open !== target) {
          if (open < target) arena.take();
          else arena.give();
          open += open < target ? 1 : -1;
          most = Math.max(most, open);
          data.set(most);
          control.set(most - open);
        }
        const seen = [arena.open, arena.data.taken, arena.data.pages, arena.control.taken,
          arena.control.pages, arena.control.mostPages];
        const wanted = [open, most, data.pages, most - open, control.pages, control.most];
        if (String(seen) !== String(wanted)) throw new Error(`${seen} for ${wanted}`);
      }
    }), { numRuns: runs(60, 5_000) });
  t.pass('all hold');
});
