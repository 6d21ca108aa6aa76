/**
 * The scans of a pass over trees, on one thread or on several that share the work.
 */
import { H_CLAIM, H_MAX_HEIGHT, H_NODE_CHUNKS, NC_NEXT, TIMED_OUT } from "./layout";
import { deriveChunk, downChunk, upChunk, upDerivedChunk } from "./passes";
import { shareWork, waitFor } from "./sharing";
import { enterChunk } from "./weights";

/** Both scans on the calling thread. */
export function passScan(): void {
  const top = load<u32>(H_MAX_HEIGHT);
  for (let h = top; h > 0; h--) {
    scanHeight(h, DERIVE);
    scanHeight(h, DOWN);
  }
  for (let h: u32 = 1; h <= top; h++) {
    scanHeight(h, UP);
    scanHeight(h, UP_DERIVED);
  }
}

const ENTER: u32 = 0;
const DERIVE: u32 = 1;
const DOWN: u32 = 2;
const UP: u32 = 3;
const UP_DERIVED: u32 = 4;

function scanHeight(h: u32, what: u32): void {
  for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT)) {
    scanChunk(c, h, what, false);
  }
}

function scanChunk(chunk: u32, h: u32, what: u32, parallel: bool): void {
  if (what == ENTER) enterChunk(chunk);
  else if (what == DERIVE) deriveChunk(chunk, h, parallel);
  else if (what == DOWN) downChunk(chunk, h, parallel);
  else if (what == UP) upChunk(chunk, h);
  else upDerivedChunk(chunk, h);
}

/**
 * Gets the claim counters ready for `passHelp` on any number of threads; each gives up when nothing
 * was done by anybody for so many milliseconds.
 */
export function passShare(patienceMs: u32): void { shareWork(patienceMs); }

/**
 * Both scans, shared with whoever else calls this: chunks are claimed one by one; a phase begins
 * when all chunks of the one before are done. One caller alone does all the work. 0, or TIMED_OUT:
 * who claimed some died, and the pass is worth nothing.
 */
export function passHelp(): i32 {
  const top = load<u32>(H_MAX_HEIGHT);
  let phase: u32 = 0;
  for (let h = top; h > 0; h--) if (!helpHeight(phase++, h, ENTER)) return TIMED_OUT;
  for (let h = top; h > 0; h--) {
    if (!helpHeight(phase++, h, DERIVE) || !helpHeight(phase++, h, DOWN)) return TIMED_OUT;
  }
  for (let h: u32 = 1; h <= top; h++) {
    if (!helpHeight(phase++, h, UP) || !helpHeight(phase++, h, UP_DERIVED)) return TIMED_OUT;
  }
  return 0;
}

function helpHeight(phase: u32, h: u32, what: u32): bool {
  const claim = H_CLAIM + (phase << 3);
  let mine = atomic.add<u32>(claim, 1);
  let ordinal: u32 = 0;
  for (let c = load<u32>(H_NODE_CHUNKS + (h << 2)); c != 0; c = load<u32>(c + NC_NEXT), ordinal++) {
    if (ordinal != mine) continue;
    scanChunk(c, h, what, true);
    atomic.add<u32>(claim + 4, 1);
    mine = atomic.add<u32>(claim, 1);
  }
  return waitFor(claim + 4, ordinal);
}
