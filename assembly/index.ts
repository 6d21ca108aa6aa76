/**
 * What the host may call. Records travel as address >> 4 (VMOs, address spaces, mappings: positive
 * in an i32), page numbers and byte offsets as f64, second results through the words at H_OUT. A
 * result below 0 is a zx_status_t; then nothing has changed.
 */
import {
  A_REF_MASK, AS_PRESENT, AS_TABLES, BAD_STATE, B_PIN_MASK, B_PIN_SHIFT, B_STATE_MASK, H_EXPANDED,
  H_OUT, H_STATES, H_STORED_BYTES, NO_MEMORY, PERM_WRITE, ST_FREE, V_LENT, V_TAKEN,
} from "./layout";
import * as along from "./along";
import * as compression from "./compress";
import * as contents from "./content";
import * as contiguous from "./contiguous";
import * as faults from "./fault";
import * as frames from "./frames";
import * as loans from "./loans";
import * as maps from "./mappings";
import * as pinning from "./pins";
import { reserveContents, reserveTables } from "./reserve";
import { storedCount } from "./stored";
import { seeStoredKeys } from "./stored-shares";
import { pteGet } from "./walk";
import * as trees from "./tree";
import * as vmos from "./vmos";
import { boot as bootCore } from "./boot";

export * from "./abi";
export * from "./account";
export * from "./import";
export * from "./audit";
export * from "./whose";
export * from "./entries";
export * from "./facts";
export * from "./scans";
export { COMPRESS, COMPRESS_WRITTEN, ZEROS_ONLY } from "./compress";
export { giveUp } from "./sharing";
export { SEE_CLEAR, SEE_COUNT, SEE_TALLY } from "./stored-shares";
export * from "./digest";
export * from "./pager-doors";
export * from "./queue-doors";

export function boot(pages: u32, limitChunks: u32): i32 { return bootCore(pages, limitChunks); }

// ---- VMOs ---------------------------------------------------------------------------------------
export function vmoCreate(kind: u32, sizePages: f64): i32 {
  const vmo = vmos.newVmo(kind, <u64>sizePages);
  return vmo == 0 ? NO_MEMORY : <i32>(vmo >> 4);
}
export function vmoSnapshot(parent: u32, offsetPages: f64, sizePages: f64): i32 {
  return vmos.snapshot(parent << 4, <u64>offsetPages, <u64>sizePages);
}
export function vmoLiveChild(parent: u32, offsetPages: f64, sizePages: f64): i32 {
  return vmos.liveChild(parent << 4, <u64>offsetPages, <u64>sizePages);
}
/** `pages` adjacent frames from a multiple of `align` on: the VMO, or NO_MEMORY. */
export function vmoCreateContiguous(pages: u32, align: u32): i32 {
  return contiguous.newContiguous(pages, align);
}
export function vmoLend(vmo: u32, page: f64, n: f64): void {
  contiguous.lend(vmo << 4, <u64>page, <u64>n);
}
/** Pages that lenders took from a pager's VMO because there was no other frame for them. */
export function vmoTakenPages(vmo: u32): u32 { return load<u32>((vmo << 4) + V_TAKEN); }
export function framesBorrowed(): u32 { return loans.borrowedFrames(); }
export function frameIsBorrowed(frame: u32): u32 { return u32(loans.isBorrowed(frame)); }
export function vmoLentPages(vmo: u32): u32 { return load<u32>((vmo << 4) + V_LENT); }
export function vmoZeroInPlace(vmo: u32, offset: f64, length: f64): void {
  contiguous.zeroInPlace(vmo << 4, <u64>offset, <u64>length);
}
export function vmoDiscard(vmo: u32): u32 { return vmos.discard(vmo << 4); }
export function vmoRevive(vmo: u32): void { vmos.revive(vmo << 4); }
export function vmoDrop(vmo: u32): void { vmos.vmoDrop(vmo << 4); }
/** Works off released nodes; 1 when more wait. */
export function releaseStep(budget: u32): u32 { return u32(trees.releaseStep(budget)); }
export function vmoSizePages(vmo: u32): f64 { return <f64>vmos.vmoSize(vmo << 4); }
export function vmoResize(vmo: u32, sizePages: f64, tail: u32): i32 {
  return contents.resize(vmo << 4, <u64>sizePages, tail);
}
export function vmoReserve(vmo: u32, page: f64, n: f64): i32 {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  return contents.reservePages(vmo << 4, lo, lo + <u64>n) ? 0 : NO_MEMORY;
}
export function vmoCommit(vmo: u32, page: f64, n: u32): void {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  contents.commitKeys(vmo << 4, lo, lo + n);
}
export function vmoZero(vmo: u32, page: f64, n: f64): i32 {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  return vmos.zeroKeys(vmo << 4, lo, lo + <u64>n);
}
export function vmoPrepareZero(vmo: u32, page: f64, n: f64, partial: u32, runs: u32): i32 {
  return contents.prepareZero(vmo << 4, <u64>page, <u64>n, partial, runs);
}
export function vmoZeroInPage(vmo: u32, page: f64, from: u32, length: u32): void {
  contents.zeroInPage(vmo << 4, <u64>page, from, length);
}
export function vmoDropPages(vmo: u32, page: f64, n: f64): void {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  vmos.dropKeys(vmo << 4, lo, lo + <u64>n);
}
/** Makes sure that `n` pages can get bytes. 0 or NO_MEMORY. */
export function contentsReserve(n: u32): i32 { return reserveContents(n) ? 0 : NO_MEMORY; }
export function vmoOwnPages(vmo: u32, page: f64, n: f64): f64 {
  return <f64>vmos.ownPages(vmo << 4, <u64>page, <u64>n);
}
export function vmoFrame(vmo: u32, page: f64): u32 {
  return vmos.seenFrame(vmo << 4, vmos.vmoBase(vmo << 4) + <u64>page);
}
export function vmoRead(vmo: u32, offset: f64, length: u32): void {
  contents.readBytes(vmo << 4, <u64>offset, length);
}
export function vmoPrepareWrite(vmo: u32, offset: f64, length: f64): i32 {
  return contents.prepareWrite(vmo << 4, <u64>offset, <u64>length);
}
export function vmoWrite(vmo: u32, offset: f64, length: u32): void {
  contents.writeBytes(vmo << 4, <u64>offset, length);
}
/** Makes the compressed pages of a range again. 0 or NO_MEMORY. */
export function vmoExpand(vmo: u32, page: f64, n: f64): i32 {
  return contents.expand(vmo << 4, <u64>page, <u64>n);
}
/** Compresses `most` pages of a range, or a batch; what became of them at H_OUT (compress.ts). */
export function vmoCompress(vmo: u32, page: f64, n: f64, mode: u32, most: u32): void {
  const base = vmos.vmoBase(vmo << 4);
  const lo = base + <u64>page;
  const hi = min(lo + <u64>n, base + vmos.vmoSize(vmo << 4));
  compression.compressKeys(vmo << 4, lo, hi, mode, most);
  store<f64>(H_OUT, load<f64>(H_OUT) - <f64>base);
}
/** Compressed pages of a range of a VMO's own list. */
export function vmoCompressed(vmo: u32, page: f64, n: f64): u32 {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  return compression.storedIn(vmo << 4, lo, lo + <u64>n);
}
/** `what`: one of the exported SEE_ numbers (stored-shares.ts), and so is what comes back. */
export function vmoSeeCompressed(vmo: u32, page: f64, n: f64, what: u32, value: u32): u32 {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  return seeStoredKeys(vmo << 4, lo, lo + <u64>n, what, value);
}
/** Compressed pages that were made again so far. */
export function pagesExpanded(): f64 { return <f64>load<u64>(H_EXPANDED); }
/** Bytes that compressed pages came to. */
export function storedBytes(): f64 { return <f64>load<u64>(H_STORED_BYTES); }
/** Pages that are compressed. */
export function storedPages(): u32 { return storedCount(); }
export function vmoPin(vmo: u32, page: f64, n: f64): i32 {
  return pinning.pin(vmo << 4, <u64>page, <u64>n);
}
export function vmoUnpin(vmo: u32, page: f64, n: f64): void {
  pinning.unpin(vmo << 4, <u64>page, <u64>n);
}

// ---- address spaces -----------------------------------------------------------------------------
export function aspaceCreate(): i32 {
  const aspace = maps.newAspace();
  return aspace == 0 ? NO_MEMORY : <i32>(aspace >> 4);
}
export function aspaceDestroy(aspace: u32): void { maps.freeAspace(aspace << 4); }
export function map(aspace: u32, vmo: u32, base: f64, pages: f64, offset: f64, perms: u32): i32 {
  return maps.newMapping(aspace << 4, vmo << 4, <u64>base, <u64>pages, <u64>offset, perms);
}
export function unmap(mapping: u32): void { maps.freeMapping(mapping << 4); }
export function unmapRange(mapping: u32, first: f64, pages: f64): i32 {
  return maps.cutMapping(mapping << 4, <u64>first, <u64>pages);
}
export function reserveMappings(aspace: u32, n: u32): i32 {
  return maps.reserveMappings(aspace << 4, n) ? 0 : NO_MEMORY;
}
export function splitMapping(mapping: u32, at: f64): i32 {
  return maps.splitMapping(mapping << 4, <u64>at);
}
/** One mapping of two neighbours that show consecutive pages and allow the same. */
export function mergeMappings(first: u32, second: u32): void {
  maps.mergeMappings(first << 4, second << 4);
}
/** Mappings of a VMO that show pages of a range, by first page: their number, `room` of them. */
export function vmoMappings(vmo: u32, page: f64, n: f64, out: u32, room: u32): u32 {
  const lo = vmos.vmoBase(vmo << 4) + <u64>page;
  return maps.listShowing(vmo << 4, lo, lo + <u64>n, out, room);
}
/** New permissions for a whole mapping; entries that allow more go. */
export function setPerms(mapping: u32, perms: u32): void { maps.setPerms(mapping << 4, perms); }
/** One page: 1 where it had to fault, 0 where not, or the status of the fault that fails. */
export function fault(aspace: u32, vpn: f64, access: u32): i32 {
  return faults.faultAlong(aspace << 4, <u64>vpn, access);
}
export function faultPrepare(aspace: u32, vpn: f64, n: f64, access: u32): i32 {
  return faults.prepare(aspace << 4, <u64>vpn, <u64>n, access);
}
/** How many of `n` prepared pages had to fault. */
export function faultRun(aspace: u32, vpn: f64, n: u32, access: u32): u32 {
  return faults.faultRun(aspace << 4, <u64>vpn, n, access);
}
/**
 * A range of at most 65,536 pages, whole: how many had to fault, or the status of the first fault
 * that fails.
 */
export function faultSpan(aspace: u32, vpn: f64, n: u32, access: u32): i32 {
  return faults.faultSpan(aspace << 4, <u64>vpn, n, access);
}
/**
 * Many ranges of `n` pages, each a fault of its own: `count` first pages as f64 at `list`. How many
 * were done: all, unless one fails, and its status at H_OUT then.
 */
export function faultList(aspace: u32, list: u32, count: u32, n: u32, access: u32): u32 {
  return faults.faultEach(aspace << 4, list, count, n, access);
}
/** Reserves what mapping the pages of a range that are there can take. 0 or NO_MEMORY. */
export function presentPrepare(aspace: u32, vpn: f64, n: f64): i32 {
  return along.preparePresent(aspace << 4, <u64>vpn, <u64>n);
}
/** Entries for the pages of a prepared range that are there. */
export function presentRun(aspace: u32, vpn: f64, n: u32): void {
  along.mapPresent(aspace << 4, <u64>vpn, n);
}
/** Reserves what zeroing a mapped range takes, part by part. 0 or NO_MEMORY. */
export function zeroPrepare(aspace: u32, vpn: f64, n: f64, kept: u32): i32 {
  return along.prepareZeroes(aspace << 4, <u64>vpn, <u64>n, kept);
}
/** Reserves what committing and mapping a range can take, whatever its mappings allow. */
export function commitPrepare(aspace: u32, vpn: f64, n: f64): i32 {
  const frames = faults.reserveAccess(aspace << 4, <u64>vpn, <u64>n, PERM_WRITE);
  if (frames < 0) return frames;
  // entries are made one by one, so each leaf may grow class by class
  if (!reserveTables(<u64>n, (<u64>n >> 9) + 2)) return NO_MEMORY;
  contiguous.recallMapped(aspace << 4, <u64>vpn, <u64>vpn + <u64>n, frames);
  return 0;
}
/** Commits every page of a prepared range. */
export function commitMapped(aspace: u32, vpn: f64, n: u32): void {
  along.commitMapped(aspace << 4, <u64>vpn, n);
}
export function entry(aspace: u32, vpn: f64): u32 { return pteGet(aspace << 4, <u64>vpn); }
export function aspaceTables(aspace: u32): u32 { return load<u32>((aspace << 4) + AS_TABLES); }
export function aspacePresent(aspace: u32): u32 { return load<u32>((aspace << 4) + AS_PRESENT); }

// ---- physical memory ----------------------------------------------------------------------------
/** Moves `n` free frames to a state that keeps no identity (wired, heap, ipc ...). */
export function takeFrames(state: u32, n: u32): i32 {
  if (n > frames.freeFrames()) return NO_MEMORY;
  frames.stateAdd(ST_FREE, -<i32>n);
  frames.stateAdd(state, n);
  return 0;
}
/** Gives them back. 0, or BAD_STATE if there are not so many. */
export function giveFrames(state: u32, n: u32): i32 {
  if (n > load<u32>(H_STATES + (state << 2))) return BAD_STATE;
  frames.stateAdd(state, -<i32>n);
  frames.stateAdd(ST_FREE, n);
  return 0;
}
/** State, references and pins of a frame at H_OUT. */
export function frameInfo(frame: u32): void {
  const b = load<u32>(frames.frameB(frame));
  store<u32>(H_OUT, b & B_STATE_MASK);
  store<u32>(H_OUT + 4, load<u32>(frames.frameA(frame)) & A_REF_MASK);
  store<u32>(H_OUT + 8, (b & B_PIN_MASK) >> B_PIN_SHIFT);
  store<u32>(H_OUT + 12, load<u32>(frames.frameC(frame)) >> 12);
}
