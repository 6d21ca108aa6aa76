/**
 * Work that threads share: claimed piece by piece, counted when done, waited for with an end.
 *
 * I1. Whoever gives up says so (H_GIVEN_UP), and then all do: no thread waits for one that died.
 */
import { H_CLAIM, H_CLAIM_BYTES, H_GIVEN_UP, H_PATIENCE } from "./layout";

const SPINS: u32 = 1 << 16; // before the thread sleeps: phases follow one another in microseconds
const NAP_NS: i64 = 1_000_000;

/** Gets the counters ready; see `waitFor` for the patience. */
export function shareWork(patienceMs: u32): void {
  memory.fill(H_CLAIM, 0, H_CLAIM_BYTES);
  store<u32>(H_PATIENCE, patienceMs);
  store<u32>(H_GIVEN_UP, 0);
}

/** A thread that cannot go on tells the others. */
export function giveUp(): void { atomic.store<u32>(H_GIVEN_UP, 1); }

/**
 * Waits until the counter `done` has reached `count`. False if somebody gave up, or nothing more
 * was done for as many naps of a millisecond as the patience says.
 */
export function waitFor(done: u32, count: u32): bool {
  let seen = atomic.load<u32>(done);
  let idle: u32 = 0;
  while (seen < count) {
    if (atomic.load<u32>(H_GIVEN_UP) != 0) return false;
    if (idle >= SPINS) {
      if (idle - SPINS >= load<u32>(H_PATIENCE)) {
        giveUp();
        return false;
      }
      atomic.wait<i32>(done, <i32>seen, NAP_NS);
    }
    const now = atomic.load<u32>(done);
    idle = now == seen ? idle + 1 : 0;
    seen = now;
  }
  return true;
}
