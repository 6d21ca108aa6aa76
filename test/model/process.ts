/**
 * Processes of the model: mappings, faults and page-table entries.
 *
 * I1. Mappings of a process do not overlap. What VMARs hold which is `vmar.ts`.
 * I2. `entries` holds the addresses (in pages) that a fault has filled, with the page they lead
 *     to, or null for the shared zero page.
 * I3. An address with an entry is in `writable` if the processor may write there without a fault.
 */
import { Refusal, refuseIf } from './status.js';
import { type Page, getBytes, lookup, ownPage, setBytes } from './tree.js';
import {
  type ModelVmar, Perm, VmarBit, type VmarHandle, firstHandle, mapVmo, protect, unmap,
} from './vmar.js';
import { type ModelHandle, type ModelVmo, Right, reap, sizePages } from './vmo.js';
import type { World } from './world.js';

/** First page and number of pages of a user's address space on x86-64. */
const USER_BASE = 0x1000;
const USER_PAGES = 2 ** 35 - 1 - USER_BASE;

/** Pages that a fault maps at most, its own included, and entries of a page table. */
const ALONG = 16;
const TABLE = 512;

/** One mapping: `pages` pages of `vmo` from `vmoOffset`, at address page `base`. */
export interface ModelMapping {
  base: number;
  pages: number;
  vmoOffset: number;
  readonly vmo: ModelVmo;
  /** Permissions of each page. */
  perms: number[];
  readonly maxPerms: number;
  readonly vmar: ModelVmar;
  /** Accesses past the page that holds the stream's end fault. */
  readonly streamBound: boolean;
  /** Options that mappings which become one have in common. */
  readonly flags: number;
}

/** Operations on ranges of addresses that the model knows. */
export type VmarRangeOp = 'COMMIT' | 'DECOMMIT' | 'ZERO' | 'MAP_RANGE' | 'DONT_NEED' | 'PREFETCH';

/** What a mapping and its VMO refuse of an operation on pages of the VMO. */
const checkMappedOp = (
  world: World, { vmo, maxPerms }: ModelMapping, op: VmarRangeOp, first: number, pages: number,
): void => {
  const needsWrite = op === 'COMMIT' || op === 'DECOMMIT' || op === 'ZERO';
  refuseIf(needsWrite && (maxPerms & Perm.WRITE) === 0, 'ZX_ERR_ACCESS_DENIED');
  refuseIf(first + pages > sizePages(vmo), 'ZX_ERR_OUT_OF_RANGE');
  const { tree } = vmo;
  refuseIf(needsWrite && tree.kind === 'physical', 'ZX_ERR_NOT_SUPPORTED');
  if (op !== 'DECOMMIT') return;
  const isClone = tree.kind === 'file' || tree.parent !== null || world.hasHiddenParent(tree);
  refuseIf(isClone, 'ZX_ERR_NOT_SUPPORTED');
  for (let page = first + vmo.treeOffset; page < first + vmo.treeOffset + pages; page++) {
    refuseIf(tree.pins.has(page), 'ZX_ERR_BAD_STATE');
  }
};

/** One process with its address space and its handles. */
export class ModelProcess {
  readonly id: number;
  mappings: ModelMapping[] = [];
  readonly entries = new Map<number, Page | null>();
  readonly writable = new Set<number>();
  readonly handles: ModelHandle[] = [];
  /** Living VMARs in the order made, the root first. */
  vmars: ModelVmar[] = [];
  readonly root: VmarHandle;
  alive = true;

  constructor(readonly world: World) {
    this.id = world.nextId();
    const root: ModelVmar = {
      process: this, parent: null, base: USER_BASE, pages: USER_PAGES, canMap: 0x3c0, alive: true,
    };
    this.vmars.push(root);
    this.root = firstHandle(root);
    world.processes.push(this);
  }

  /** Puts a duplicate of a handle into the process's table. */
  give(handle: ModelHandle): void {
    refuseIf((handle.rights & Right.DUPLICATE) === 0, 'ZX_ERR_ACCESS_DENIED');
    this.take(handle);
    handle.vmo.handles += 1;
  }

  /** Puts a handle into the process's table. */
  take(handle: ModelHandle): void {
    refuseIf((handle.rights & Right.TRANSFER) === 0, 'ZX_ERR_ACCESS_DENIED');
    this.handles.push(handle);
  }

  /** The mapping that covers address page `address`. */
  mappingAt(address: number): ModelMapping | undefined {
    return this.mappings.find((m) => address >= m.base && address < m.base + m.pages);
  }

  /** The page shown at an address of a mapping; undefined: zeros; 'outside': past the VMO's end. */
  shownAt(mapping: ModelMapping, address: number): Page | undefined | 'outside' {
    const page = mapping.vmoOffset + address - mapping.base;
    if (page >= sizePages(mapping.vmo)) return 'outside';
    return lookup(mapping.vmo.tree, page + mapping.vmo.treeOffset);
  }

  /** zx_vmar_map at a fixed address of the root VMAR. */
  map(handle: ModelHandle, base: number, pages: number, vmoOffset: number, perms: number): void {
    const offset = BigInt(base - this.root.vmar.base) * 4096n;
    const options = VmarBit.SPECIFIC | VmarBit.ALLOW_FAULTS | perms;
    const bytes = BigInt(pages) * 4096n;
    mapVmo(this.root, options, offset, handle, BigInt(vmoOffset) * 4096n, bytes);
  }

  /** zx_vmar_unmap of the root VMAR. */
  unmap(first: number, pages: number): void {
    unmap(this.root, BigInt(first) * 4096n, BigInt(pages) * 4096n);
  }

  /** zx_vmar_protect of the root VMAR. */
  protect(first: number, pages: number, perms: number): void {
    protect(this.root, perms, BigInt(first) * 4096n, BigInt(pages) * 4096n);
  }

  /** Takes in a mapping where nothing is. */
  add(mapping: ModelMapping): void {
    mapping.vmo.mappings += 1;
    this.mappings.push(mapping);
    this.mappings.sort((a, b) => a.base - b.base);
    this.#merge(this.mappings.indexOf(mapping));
  }

  /** Joins a new mapping with neighbours that show what goes on in the same VMO, alike. */
  #merge(at: number): void {
    for (const i of [at, at - 1]) {
      const [a, b] = [this.mappings[i], this.mappings[i + 1]];
      if (a === undefined || b === undefined) continue;
      if (a.vmo !== b.vmo || a.vmar !== b.vmar || a.maxPerms !== b.maxPerms) continue;
      if (a.flags !== b.flags) continue;
      if (a.base + a.pages !== b.base || a.vmoOffset + a.pages !== b.vmoOffset) continue;
      if (a.perms.at(-1) !== b.perms[0]) continue;
      a.pages += b.pages;
      a.perms = [...a.perms, ...b.perms];
      a.vmo.mappings -= 1;
      this.mappings.splice(i + 1, 1);
    }
  }

  /** Takes a range out of the mappings: trims, splits and removes them. */
  cut(first: number, pages: number): void {
    const end = first + pages;
    const kept: ModelMapping[] = [];
    const touched = new Set<ModelVmo>();
    for (const m of this.mappings) {
      const mEnd = m.base + m.pages;
      if (mEnd <= first || m.base >= end) {
        kept.push(m);
        continue;
      }
      touched.add(m.vmo);
      m.vmo.mappings -= 1;
      for (const [from, to] of [[m.base, first], [end, mEnd]] as const) {
        if (from >= to) continue;
        m.vmo.mappings += 1;
        kept.push({
          ...m, base: from, pages: to - from, vmoOffset: m.vmoOffset + from - m.base,
          perms: m.perms.slice(from - m.base, to - m.base),
        });
      }
    }
    this.mappings = kept;
    for (const address of [...this.entries.keys()]) {
      if (address >= first && address < end) this.entries.delete(address);
    }
    for (const vmo of touched) reap(this.world, vmo);
  }

  /** zx_vmar_op_range, all checked before anything is done. */
  opRange(op: VmarRangeOp, first: number, pages: number): void {
    refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
    const ends = first + pages;
    const parts: { mapping: ModelMapping; from: number; count: number }[] = [];
    for (let at = first; at < ends;) {
      const mapping = this.mappingAt(at);
      const below = this.vmars.some(
        (one) => one.parent !== null && at >= one.base && at < one.base + one.pages);
      const deep = op === 'COMMIT' || op === 'DECOMMIT' || op === 'PREFETCH';
      refuseIf(below && deep, 'ZX_ERR_INVALID_ARGS');
      if (mapping === undefined) throw new Refusal('ZX_ERR_BAD_STATE');
      const count = Math.min(ends, mapping.base + mapping.pages) - at;
      const from = mapping.vmoOffset + at - mapping.base;
      checkMappedOp(this.world, mapping, op, from, count);
      parts.push({ mapping, from, count });
      at += count;
    }
    for (const { mapping: { vmo }, from, count } of parts) {
      for (let page = from + vmo.treeOffset; page < from + vmo.treeOffset + count; page++) {
        if (op === 'COMMIT') this.world.fork(vmo.tree, page);
        else if (op === 'ZERO' || op === 'DECOMMIT') this.world.clear(vmo.tree, page);
      }
    }
    if (op === 'COMMIT' || op === 'MAP_RANGE' || op === 'PREFETCH') this.#mapThere(first, pages);
  }

  /** Entries for the pages of a range that are there and may be read. */
  #mapThere(first: number, pages: number): void {
    for (let at = first; at < first + pages; at++) {
      const mapping = this.mappingAt(at);
      if (mapping === undefined || !((mapping.perms[at - mapping.base] ?? 0) & Perm.READ)) continue;
      const shown = this.shownAt(mapping, at);
      if (shown === undefined || shown === 'outside' || this.entries.has(at)) continue;
      this.#install(mapping, at, shown);
    }
  }

  /** Bytes from an address on that a copy by the kernel finds, whatever the permissions. */
  copyOut(address: number, length: number): Uint8Array {
    const parts: number[] = [];
    for (let at = address; at < address + length; at++) {
      const page = Math.floor(at / 4096);
      const mapping = this.mappingAt(page);
      const shown = mapping && this.shownAt(mapping, page);
      if (!mapping || shown === 'outside') break;
      const isDevice = mapping.vmo.cachePolicy !== 0;
      refuseIf(isDevice && parts.length === 0, 'ZX_ERR_BAD_STATE');
      if (isDevice) break;
      parts.push(getBytes(shown, at % 4096, 1)[0] ?? 0);
    }
    refuseIf(parts.length === 0, 'ZX_ERR_NOT_FOUND');
    return Uint8Array.from(parts);
  }

  /** Refuses an access that would fault; the mapping and what it shows there, if it would not. */
  check(address: number, access: number): { mapping: ModelMapping; shown: Page | null } {
    const mapping = this.mappingAt(address);
    if (mapping === undefined) throw new Refusal('ZX_ERR_NOT_FOUND');
    const perms = mapping.perms[address - mapping.base] ?? 0;
    refuseIf((access & ~perms) !== 0, 'ZX_ERR_ACCESS_DENIED');
    const shown = this.shownAt(mapping, address);
    if (shown === 'outside' || this.#isPastStream(mapping, address)) {
      throw new Refusal('ZX_ERR_OUT_OF_RANGE');
    }
    return { mapping, shown: shown ?? null };
  }

  /**
   * One access: no fault where the entry allows it, else a page fault.
   *
   * @param along - whether a fault maps its neighbours along: accesses to one page
   * @returns the page reached, null for the zero page
   */
  fault(address: number, access: number, along: boolean): Page | null {
    const { mapping, shown } = this.check(address, access);
    if (mapping.vmo.tree.kind === 'physical') return null;
    const write = (access & Perm.WRITE) !== 0;
    if (this.entries.has(address) && (!write || this.writable.has(address))) return shown;
    const page = mapping.vmoOffset + address - mapping.base + mapping.vmo.treeOffset;
    const got = write ? this.world.fork(mapping.vmo.tree, page) : shown;
    this.#install(mapping, address, got);
    if (along) this.#mapAlong(mapping, address, write);
    return got;
  }

  /** Pages behind a fault that are there, up to the first that is not or may not be written. */
  #mapAlong(mapping: ModelMapping, fault: number, write: boolean): void {
    const perms = mapping.perms[fault - mapping.base];
    for (let at = fault + 1; at < fault + ALONG; at++) {
      if (at % TABLE === 0 || at >= mapping.base + mapping.pages) return;
      if (mapping.perms[at - mapping.base] !== perms) return;
      const shown = this.shownAt(mapping, at);
      if (shown === undefined || shown === 'outside') return;
      if (write && !this.#isAlone(mapping, at, shown)) return;
      if (!this.entries.has(at)) this.#install(mapping, at, shown);
      else if (write && !this.writable.has(at)) return;
    }
  }

  /** An entry; writable if the mapping allows it and the VMO's tree alone holds the page. */
  #install(mapping: ModelMapping, address: number, page: Page | null): void {
    this.entries.set(address, page);
    const mayWrite = ((mapping.perms[address - mapping.base] ?? 0) & Perm.WRITE) !== 0;
    if (page !== null && mayWrite && this.#isAlone(mapping, address, page)) {
      this.writable.add(address);
    } else this.writable.delete(address);
  }

  #isAlone(mapping: ModelMapping, address: number, shown: Page): boolean {
    const page = mapping.vmoOffset + address - mapping.base + mapping.vmo.treeOffset;
    return ownPage(mapping.vmo.tree, page) === shown && this.world.holders(shown).length === 1;
  }

  /** Faults on each page of a range, or on none if any is refused. */
  touch(first: number, pages: number, access: number): void {
    refuseIf(access === 0 || (access & ~7) !== 0, 'ZX_ERR_INVALID_ARGS');
    for (let address = first; address < first + pages; address++) this.check(address, access);
    for (let address = first; address < first + pages; address++) {
      this.fault(address, access, pages === 1);
    }
  }

  /** Reads bytes inside one page through the page table. */
  readBytes(addressBytes: number, length: number): Uint8Array {
    const page = this.fault(Math.floor(addressBytes / 4096), Perm.READ, true);
    return getBytes(page ?? undefined, addressBytes % 4096, length);
  }

  /** Writes bytes inside one page through the page table. */
  writeBytes(addressBytes: number, data: Uint8Array): void {
    const page = this.fault(Math.floor(addressBytes / 4096), Perm.WRITE, true);
    if (page) setBytes(page, addressBytes % 4096, data);
  }

  #isPastStream(mapping: ModelMapping, address: number): boolean {
    const page = BigInt(mapping.vmoOffset + address - mapping.base);
    return mapping.streamBound && page * 4096n >= mapping.vmo.stream.bytes;
  }

  /** The process ends: its mappings and handles go. */
  kill(): void {
    for (const vmar of this.vmars) vmar.alive = false;
    this.vmars = [];
    this.alive = false;
    const at = this.world.processes.indexOf(this);
    if (at >= 0) this.world.processes.splice(at, 1);
    const vmos = new Set(this.mappings.map((m) => m.vmo));
    for (const m of this.mappings) m.vmo.mappings -= 1;
    this.mappings = [];
    this.entries.clear();
    for (const handle of this.handles) {
      handle.vmo.handles -= 1;
      vmos.add(handle.vmo);
    }
    this.handles.length = 0;
    for (const vmo of vmos) reap(this.world, vmo);
  }
}
