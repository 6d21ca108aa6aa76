/**
 * Processes of the model: mappings, faults and page-table entries.
 *
 * I1. Mappings of a process do not overlap. What VMARs hold which is `vmar.ts`.
 * I2. `entries` holds the addresses (in pages) that a fault has filled, with the page they lead
 *     to, or null for the shared zero page.
 */
import { Refusal, refuseIf } from './status.js';
import { type Page, getBytes, lookup, setBytes } from './tree.js';
import {
  type ModelVmar, Perm, VmarBit, type VmarHandle, firstHandle, mapVmo, protect, unmap,
} from './vmar.js';
import { type ModelHandle, type ModelVmo, Right, reap, sizePages } from './vmo.js';
import type { World } from './world.js';

/** First page and number of pages of a user's address space on x86-64. */
const USER_BASE = 0x1000;
const USER_PAGES = 2 ** 35 - 1 - USER_BASE;

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
}

/** One process with its address space and its handles. */
export class ModelProcess {
  readonly id: number;
  mappings: ModelMapping[] = [];
  readonly entries = new Map<number, Page | null>();
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

  /** One page fault for reading or writing; the page reached, null for the zero page. */
  fault(address: number, access: number): Page | null {
    const { mapping, shown } = this.check(address, access);
    if (mapping.vmo.tree.kind === 'physical') return null;
    if ((access & Perm.WRITE) === 0) {
      this.entries.set(address, shown);
      return shown;
    }
    const page = mapping.vmoOffset + address - mapping.base + mapping.vmo.treeOffset;
    const own = this.world.fork(mapping.vmo.tree, page);
    this.entries.set(address, own);
    return own;
  }

  /** Faults on each page of a range, or on none if any is refused. */
  touch(first: number, pages: number, access: number): void {
    refuseIf(access === 0 || (access & ~7) !== 0, 'ZX_ERR_INVALID_ARGS');
    for (let address = first; address < first + pages; address++) this.check(address, access);
    for (let address = first; address < first + pages; address++) this.fault(address, access);
  }

  /** Reads bytes inside one page through the page table. */
  readBytes(addressBytes: number, length: number): Uint8Array {
    const page = this.fault(Math.floor(addressBytes / 4096), Perm.READ);
    return getBytes(page ?? undefined, addressBytes % 4096, length);
  }

  /** Writes bytes inside one page through the page table. */
  writeBytes(addressBytes: number, data: Uint8Array): void {
    const page = this.fault(Math.floor(addressBytes / 4096), Perm.WRITE);
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
