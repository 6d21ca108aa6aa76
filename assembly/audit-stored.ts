/**
 * The audit's part for compressed pages: who holds each, and that the store has room for as many.
 *
 * A record's word for the frame it goes to is 0 outside of a sweep; here it counts leaf slots.
 */
import {
  H_NODE_CHUNKS, H_STORED_BYTES, H_STATES, NC_HEADERS, NC_NEXT, NH_REFS, NH_SHIFT, NODES_PER_CHUNK,
  NODE_BYTES, NODE_SHIFT, POOL_ZRAM, P_LIVE, ST_ZRAM, S_BYTES, S_GOING, S_REFS,
} from "./layout";
import { broken, BROKEN_STORED } from "./audit";
import { poolAt } from "./heap";
import { isStored, storedCount, storedOf } from "./stored";

/** A leaf slot holds a compressed page. */
export function seeStored(slot: u32): void {
  const seen = storedOf(slot) + S_GOING;
  store<u32>(seen, load<u32>(seen) + 1);
}

/** After all leaves were seen once: each record has the references it says; 0 or what is broken. */
export function auditStored(): i32 {
  let distinct: u32 = 0;
  let bytes: u64 = 0;
  let result: i32 = 0;
  const leaves = load<u32>(H_NODE_CHUNKS + (1 << 2));
  for (let c = leaves; c != 0; c = load<u32>(c + NC_NEXT)) {
    for (let n: u32 = 0; n < NODES_PER_CHUNK; n++) {
      if (load<u32>(c + NC_HEADERS + (n << NH_SHIFT) + NH_REFS) == 0) continue;
      const leaf = c + (n << NODE_SHIFT);
      for (let at = leaf; at < leaf + NODE_BYTES; at += 4) {
        const slot = load<u32>(at);
        if (!isStored(slot)) continue;
        const record = storedOf(slot);
        const seen = load<u32>(record + S_GOING);
        if (seen == 0) continue; // counted already
        store<u32>(record + S_GOING, 0);
        distinct++;
        bytes += load<u32>(record + S_BYTES);
        const refs = load<u32>(record + S_REFS);
        if (refs != seen) result = broken(BROKEN_STORED, record, refs, seen);
      }
    }
  }
  if (result != 0) return result;
  const count = storedCount();
  if (distinct != count) return broken(BROKEN_STORED, 0, count, distinct);
  const said = load<u64>(H_STORED_BYTES);
  if (bytes != said) return broken(BROKEN_STORED, 1, <u32>said, <u32>bytes);
  const pages = load<u32>(poolAt(POOL_ZRAM) + P_LIVE);
  const state = load<u32>(H_STATES + (ST_ZRAM << 2));
  return state >= pages ? 0 : broken(BROKEN_STORED, 2, state, pages);
}
