/**
 * What the host may call for VMOs of user pagers, in the manner of `index.ts`.
 */
import { moveIn } from "./pager-supply";
import * as paged from "./pager";

/** What to ask the pager for first: see `need`. */
export function pagerNeed(vmo: u32, page: f64, n: f64, mode: u32): u32 {
  return paged.need(vmo << 4, <u64>page, <u64>n, mode);
}
export function pagerWritten(root: u32, page: f64, n: f64): void {
  paged.written(root << 4, <u64>page, <u64>n);
}
export function pagerAllowDirty(root: u32, page: f64, n: f64): i32 {
  return paged.allowDirty(root << 4, <u64>page, <u64>n);
}
export function pagerWritebackBegin(root: u32, page: f64, n: f64, zeros: u32): i32 {
  return paged.writebackBegin(root << 4, <u64>page, <u64>n, zeros != 0);
}
export function pagerWritebackEnd(root: u32, page: f64, n: f64): i32 {
  return paged.writebackEnd(root << 4, <u64>page, <u64>n);
}
export function pagerDirtyRuns(root: u32, page: f64, n: f64, out: u32, room: u32): u32 {
  return paged.dirtyRuns(root << 4, <u64>page, <u64>n, out, room);
}
/** `firstByte` and `endByte` count in their pages; `slot` is one of the exported interval slots. */
export function pagerZero(
  root: u32, firstPage: f64, firstByte: u32, endPage: f64, endByte: u32, slot: u32,
): i32 {
  return paged.zeroBytes(root << 4, <u64>firstPage, firstByte, <u64>endPage, endByte, slot);
}
export function pagerResize(root: u32, sizePages: f64, tail: u32): i32 {
  return paged.resizePaged(root << 4, <u64>sizePages, tail);
}
export function pagerDropClean(
  root: u32, page: f64, n: f64, markers: u32, heedHints: u32,
): i32 {
  return paged.dropClean(root << 4, <u64>page, <u64>n, markers != 0, heedHints != 0);
}
export function pagesMove(
  vmo: u32, page: f64, n: f64, aux: u32, auxPage: f64, replace: u32, borrow: u32,
): i32 {
  return moveIn(
    vmo << 4, <u64>page, <u64>n, aux << 4, <u64>auxPage, replace != 0, borrow != 0);
}
export { ASK_DIRTY, ASK_READ, FOR_COMMIT, FOR_WRITE, FOR_ZERO, TRAPS } from "./pager";
export { SLOT_ZERO_DIRTY, SLOT_ZERO_UNTRACKED } from "./layout";
