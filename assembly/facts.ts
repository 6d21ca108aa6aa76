/**
 * What the host asks of one VMO while it accounts: how it stands to its family, what it costs,
 * where its list says something. Keys travel as page numbers.
 */
import {
  NH_BYTES, NODE_BYTES, VMO_BYTES, V_FAMILY, V_LIMIT, V_PARENT,
} from "./layout";
import { isChild, nodeOf, nodeRefs } from "./nodes";
import * as runs from "./runs";
import { nextKin, vmoBase, vmoHeight, vmoRoot } from "./vmos";

/** How many pages of a VMO from page 0 on look through to its live parent. */
export function vmoLivePages(vmo: u32): f64 {
  const v = vmo << 4;
  const limit = load<u64>(v + V_LIMIT);
  return load<u32>(v + V_PARENT) == 0 || limit < vmoBase(v) ? 0 : <f64>(limit - vmoBase(v));
}
/** Pages between the first pages of two VMOs of a family. */
export function vmoOffsetIn(vmo: u32, relative: u32): f64 {
  return <f64>(<i64>(vmoBase(vmo << 4) - vmoBase(relative << 4)));
}
export function vmoFamily(vmo: u32): u32 { return load<u32>((vmo << 4) + V_FAMILY); }
/** The next VMO in the ring of a family. */
export function vmoNextKin(vmo: u32): u32 { return nextKin(vmo << 4) >> 4; }

/** Heap bytes of a VMO: its record and the nodes that only it holds; 0 before the first page. */
export function vmoMetadataBytes(vmo: u32): f64 {
  const root = vmoRoot(vmo << 4);
  if (!isChild(root)) return 0;
  return <f64>(VMO_BYTES + ownNodes(root, vmoHeight(vmo << 4)) * (NODE_BYTES + NH_BYTES));
}

function ownNodes(slot: u32, height: u32): u32 {
  const node = nodeOf(slot);
  if (nodeRefs(node) > 1) return 0;
  let n: u32 = 1;
  if (height == 1) return n;
  for (let i: u32 = 0; i < NODE_BYTES; i += 4) {
    const child = load<u32>(node + i);
    if (isChild(child)) n += ownNodes(child, height - 1);
  }
  return n;
}

/**
 * Runs of pages [page, page + n) where a VMO's own tree says something (a page or a zero marker):
 * pairs of f64 (first page, length) at `out`. Returns how many there are; only `room` of them are
 * written.
 */
export function vmoRuns(vmo: u32, page: f64, n: f64, out: u32, room: u32): u32 {
  const v = vmo << 4;
  const base = vmoBase(v);
  const lo = base + <u64>page;
  runs.runsBegin(out, room);
  runs.runsOf(vmoRoot(v), vmoHeight(v), 0, lo, lo + <u64>n, base);
  return runs.runsCount();
}

/** Alias frames of pages [page, page + n): | frame u32 | 0 | key f64 | each at `out`. How many. */
export function vmoAliases(vmo: u32, page: f64, n: f64, out: u32, room: u32): u32 {
  const v = vmo << 4;
  const lo = vmoBase(v) + <u64>page;
  runs.runsBegin(out, room);
  runs.aliasesOf(vmoRoot(v), vmoHeight(v), 0, lo, lo + <u64>n);
  return runs.runsCount();
}
