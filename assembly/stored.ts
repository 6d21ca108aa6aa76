/**
 * The store of compressed pages: what a compressed slot of a page list refers to, and the ZRAM
 * pages that hold the bytes.
 *
 *   slot         | SLOT_STORED | record >> 4 |
 *   record       | references | place: ZRAM page's record + item | bytes | frame, while it moves |
 *   ZRAM page    | frame | items taken, a bit each | class | next with room | previous |
 *
 * A ZRAM page is cut into 2 to 32 items of one size, and takes what fits into an item of its class
 * but not of the next smaller one. Pages of a class that have room are a list; the first gives. So
 * taking and giving back cost the same however much is stored.
 *
 * I1. References of a record = leaf slots that hold it.
 * I2. A ZRAM page with no item taken does not exist; one with all taken is on no list.
 * I3. Bytes are what the compressor made of one page: at most half a page, else it is kept.
 */
import { poolAlloc, poolAt, poolFree, poolReserve } from "./heap";
import {
  H_CONTENTS, H_STORED_BYTES, H_ZRAM_ROOM, PAGE_BYTES, POOL_CONTENT, POOL_STORED, POOL_ZRAM, P_LIVE,
  SLOT_STORED, SLOT_TAG, ST_ZRAM, STORED_BYTES_MOST, S_BYTES, S_GOING, S_PLACE, S_REFS, ZRAM_BYTES,
  Z_CLASS, Z_FRAME, Z_NEXT, Z_PREV, Z_TAKEN,
} from "./layout";
import { frameAlloc, frameC, frameFree, freeFrames } from "./frames";

const CLASSES: u32 = 10;

/** Items of a ZRAM page of a class: 2 to 8, 12, 16, 32. */
function itemsOf(cls: u32): u32 {
  return cls < 7 ? cls + 2 : cls == 7 ? 12 : cls == 8 ? 16 : 32;
}

/** Bytes of one item: a multiple of 16. */
function itemBytes(cls: u32): u32 {
  return PAGE_BYTES / itemsOf(cls) & ~15;
}

/** The class with the smallest items that `bytes` fit into. */
function classFor(bytes: u32): u32 {
  let cls = CLASSES - 1;
  while (itemBytes(cls) < bytes) cls--;
  return cls;
}

export function isStored(slot: u32): bool { return (slot & SLOT_TAG) == SLOT_STORED; }
export function storedOf(slot: u32): u32 { return (slot & ~SLOT_TAG) << 4; }
export function slotOfStored(record: u32): u32 { return SLOT_STORED | record >> 4; }

/** How many pages are stored. */
export function storedCount(): u32 { return load<u32>(poolAt(POOL_STORED) + P_LIVE); }

/** Whether any is: then an access may find one. */
export function anyStored(): bool { return storedCount() != 0; }

function roomList(cls: u32): u32 { return H_ZRAM_ROOM + (cls << 2); }

/** Puts a ZRAM page first on its class's list. */
function link(z: u32): void {
  const list = roomList(load<u32>(z + Z_CLASS));
  const first = load<u32>(list);
  store<u32>(z + Z_NEXT, first);
  store<u32>(z + Z_PREV, 0);
  if (first != 0) store<u32>(first + Z_PREV, z);
  store<u32>(list, z);
}

function unlink(z: u32): void {
  const next = load<u32>(z + Z_NEXT);
  const prev = load<u32>(z + Z_PREV);
  if (next != 0) store<u32>(next + Z_PREV, prev);
  if (prev != 0) store<u32>(prev + Z_NEXT, next);
  else store<u32>(roomList(load<u32>(z + Z_CLASS)), next);
}

function allTaken(cls: u32): u32 {
  const items = itemsOf(cls);
  return items == 32 ? ~0 : (1 << items) - 1;
}

/** A ZRAM page of a class with room for an item, or 0 without memory for one. */
function pageWithRoom(cls: u32): u32 {
  const first = load<u32>(roomList(cls));
  if (first != 0) return first;
  if (freeFrames() == 0 || !poolReserve(POOL_CONTENT, 1)) return 0;
  const z = poolAlloc(POOL_ZRAM);
  if (z == 0) return 0;
  const frame = frameAlloc(ST_ZRAM);
  store<u32>(frameC(frame), poolAlloc(POOL_CONTENT));
  store<u32>(H_CONTENTS, load<u32>(H_CONTENTS) + 1);
  store<u32>(z + Z_FRAME, frame);
  store<u32>(z + Z_TAKEN, 0);
  store<u32>(z + Z_CLASS, cls);
  link(z);
  return z;
}

/** Room for `bytes` of one page: its record, without references, or 0 without memory. */
export function storedNew(bytes: u32): u32 {
  assert(bytes <= STORED_BYTES_MOST);
  if (!poolReserve(POOL_STORED, 1)) return 0;
  const cls = classFor(bytes);
  const z = pageWithRoom(cls);
  if (z == 0) return 0;
  const record = poolAlloc(POOL_STORED);
  const taken = load<u32>(z + Z_TAKEN);
  const item = ctz(~taken);
  store<u32>(z + Z_TAKEN, taken | 1 << item);
  if ((taken | 1 << item) == allTaken(cls)) unlink(z);
  store<u32>(record + S_REFS, 0);
  store<u32>(record + S_PLACE, z | item);
  store<u32>(record + S_BYTES, bytes);
  store<u32>(record + S_GOING, 0);
  store<u64>(H_STORED_BYTES, load<u64>(H_STORED_BYTES) + bytes);
  return record;
}

/** Address of the bytes. */
export function storedAt(record: u32): u32 {
  const place = load<u32>(record + S_PLACE);
  const z = place & ~(ZRAM_BYTES - 1);
  const item = place & (ZRAM_BYTES - 1);
  const page = load<u32>(frameC(load<u32>(z + Z_FRAME))) >> 12 << 12;
  return page + item * itemBytes(load<u32>(z + Z_CLASS));
}

/** Gives a record and its room back. */
export function storedFree(record: u32): void {
  const place = load<u32>(record + S_PLACE);
  const z = place & ~(ZRAM_BYTES - 1);
  const before = load<u32>(z + Z_TAKEN);
  const taken = before & ~(1 << (place & (ZRAM_BYTES - 1)));
  store<u32>(z + Z_TAKEN, taken);
  if (before == allTaken(load<u32>(z + Z_CLASS))) link(z);
  if (taken == 0) {
    unlink(z);
    frameFree(load<u32>(z + Z_FRAME));
    poolFree(POOL_ZRAM, z);
  }
  store<u64>(H_STORED_BYTES, load<u64>(H_STORED_BYTES) - load<u32>(record + S_BYTES));
  poolFree(POOL_STORED, record);
}

/** One more leaf slot holds what a compressed slot refers to. */
export function storedAdd(slot: u32): void {
  const refs = storedOf(slot) + S_REFS;
  store<u32>(refs, load<u32>(refs) + 1);
}

/** One fewer; the last one gives the bytes back. */
export function storedDrop(slot: u32): void {
  const record = storedOf(slot);
  const refs = load<u32>(record + S_REFS) - 1;
  if (refs == 0) storedFree(record);
  else store<u32>(record + S_REFS, refs);
}
