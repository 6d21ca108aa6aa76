import * as fc from 'fast-check';
import { System } from '../../src/system.js';
import { Stepper, programs } from './random-steps.js';
const seedBase = Number(process.argv[2] ?? 1), n = Number(process.argv[3] ?? 20);
const progs = fc.sample(programs(80), { numRuns: n, seed: seedBase });
for (const [k, prog] of progs.entries()) {
  const t0 = performance.now();
  const s = System.boot({ memoryBytes: 20000 * 4096 });
  const t1 = performance.now();
  const st = new Stepper(s);
  let out: Record<string, number> = {}; let ta = 0, tt = 0, td = 0;
  for (const [i, step] of prog.entries()) {
    const a = performance.now();
    const o = st.take(step); out[o] = (out[o] ?? 0) + 1;
    const b = performance.now();
    const f = s.core.audit();
    const c = performance.now();
    s.core.digest();
    const d = performance.now();
    tt += b - a; ta += c - b; td += d - c;
    if (d - a > 200) console.log('slow', k, i, step, b - a, c - b, d - c);
    if (f.length) { console.log(k, i, step, o, f); break; }
  }
  console.log(k, prog.length, JSON.stringify(out), 'boot', (t1 - t0).toFixed(1), 'steps', tt.toFixed(1), 'audit', ta.toFixed(1), 'digest', td.toFixed(1));
}
