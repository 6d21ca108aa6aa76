/**
 * A system at 95 % of its memory, for as long as nothing is lost: random operations with eviction,
 * compression, zero scans, ageing and pages on loan under way. `npm test` does a little of it,
 * `npm run test:long` a million operations.
 */
import t from 'tap';
import { runs } from '../support/long.js';
import { KINDS, type ReclaimOp, ReclaimWorld } from './reclaim-world.js';

const PAGES = 2048;
const KEEP_FREE = Math.ceil(PAGES * 0.05);
const LENDER_PAGES = 200;
const LOOK_EVERY = 2000;

/** How often each kind comes, where it is not once. */
const WEIGHTS: Readonly<Partial<Record<ReclaimOp['kind'], number>>> = {
  read: 30, write: 6, put: 30, get: 20, touch: 12, fill: 6, rotate: 2, need: 1, notNeed: 2,
  lend: 5, recall: 3,
};
const DRAWN: readonly ReclaimOp['kind'][] = KINDS
  .filter((kind) => kind !== 'evictAll' && kind !== 'close' && kind !== 'relet')
  .flatMap((kind) => Array.from({ length: WEIGHTS[kind] ?? 1 }, () => kind));

/** Numbers from a seed (a linear congruence; its high bits are used). */
const randomFrom = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
};

interface Soaked {
  readonly digest: string;
  readonly wrong: string[];
  /** Share of the steps that ended with at most 6 % of memory free. */
  readonly full: number;
  readonly refusals: number;
}

const soak = (seed: number, steps: number): Soaked => {
  const world = new ReclaimWorld({
    physicalPages: PAGES, filePages: 2400, vmoPages: 500, keepFree: KEEP_FREE,
    lenderPages: LENDER_PAGES, variant: 'release',
  });
  const { core } = world.system;
  const random = randomFrom(seed);
  const wrong: string[] = [];
  let full = 0;
  for (let i = 0; i < steps && wrong.length === 0; i++) {
    // what is free fills up with pages of the file; copies pile up, so one goes now and then
    const kind: ReclaimOp['kind'] = core.freePages > KEEP_FREE && random(20) > 0
      ? 'read'
      : random(400) === 0 ? 'close' : DRAWN[random(DRAWN.length)]!;
    // a VMO that was pinned once borrows no more
    const drawn = kind === 'pin' && i < steps / 2 ? 'need' : kind;
    const [page, pages, value] = [random(1 << 20), random(24), random(1 << 20)];
    const op: ReclaimOp = { kind: drawn, page, pages, value };
    wrong.push(...world.step(op));
    if (i % LOOK_EVERY === 0) wrong.push(...world.wrongQueues());
    if (core.freePages <= PAGES * 0.06) full++;
    if (wrong.length > 0) wrong.unshift(`seed ${seed}, step ${i} ${JSON.stringify(op)}`);
  }
  wrong.push(...world.wrongQueues(), ...world.wrongContents());
  return { digest: core.digest(), wrong, full: full / steps, refusals: world.refusals };
};

t.test('nothing is lost in a full system, and the same seed comes to the same', (t) => {
  const steps = runs(20_000, 1_000_000);
  const [first, second] = [soak(1, steps), soak(1, steps)];
  t.strictSame(first.wrong.slice(0, 10), []);
  t.strictSame(second, first);
  t.ok(first.full > 0.5, `full in ${(first.full * 100).toFixed(1)} % of the steps`);
  t.not(soak(2, 2000).digest, soak(3, 2000).digest, 'other seeds do something else');
  t.comment(`${steps} operations, ${first.refusals} refused for want of memory`);
  t.end();
});
