/**
 * Processes of the model: mappings, faults and page-table entries.
 *
 * I1. Mappings of a process do not overlap.
 * I2. `entries` holds the addresses (in pages) that a fault has filled, with the page they lead
 *     to, or null for the shared zero page.
 */
import { Refusal, refuseIf } from './status.js';
import { type Page, getBytes, lookup, setBytes } from './tree.js';
import { type ModelHandle, type ModelVmo, Right, reap, sizePages } from './vmo.js';
import type { World } from './world.js';

/** Permission bits of a mapping. */
export const Perm = { READ: 1, WRITE: 2, EXECUTE: 4 } as const;

/** One mapping: `pages` pages of `vmo` from `vmoOffset`, at address page `base`. */
export interface ModelMapping {
  base: number;
  pages: number;
  vmoOffset: number;
  readonly vmo: ModelVmo;
  /** Permissions of each page. */
  perms: number[];
  readonly maxPerms: number;
}

/** One process with its address space and its handles. */
export class ModelProcess {
  readonly id: number;
  mappings: ModelMapping[] = [];
  readonly entries = new Map<number, Page | null>();
  readonly handles: ModelHandle[] = [];

  constructor(readonly world: World) {
    this.id = world.nextId();
    world.processes.push(this);
  }

  /** Puts a duplicate of a handle into the process's table. */
  give(handle: ModelHandle): void {
    refuseIf((handle.rights & Right.DUPLICATE) === 0, 'ZX_ERR_ACCESS_DENIED');
    refuseIf((handle.rights & Right.TRANSFER) === 0, 'ZX_ERR_ACCESS_DENIED');
    handle.vmo.handles += 1;
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

  /** zx_vmar_map at a fixed free address. */
  map(handle: ModelHandle, base: number, pages: number, vmoOffset: number, perms: number): void {
    refuseIf((handle.rights & Right.MAP) === 0, 'ZX_ERR_ACCESS_DENIED');
    refuseIf(perms !== 0 && (perms & Perm.READ) === 0, 'ZX_ERR_INVALID_ARGS');
    const maxPerms = ((handle.rights & Right.READ) ? Perm.READ : 0)
      | ((handle.rights & Right.WRITE) ? Perm.WRITE : 0)
      | ((handle.rights & Right.EXECUTE) ? Perm.EXECUTE : 0);
    refuseIf((perms & ~maxPerms) !== 0, 'ZX_ERR_ACCESS_DENIED');
    refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
    const overlaps = this.mappings.some((m) => base < m.base + m.pages && m.base < base + pages);
    refuseIf(overlaps, 'ZX_ERR_ALREADY_EXISTS');
    handle.vmo.mappings += 1;
    this.mappings.push({
      base, pages, vmoOffset, vmo: handle.vmo, maxPerms,
      perms: new Array<number>(pages).fill(perms),
    });
    this.mappings.sort((a, b) => a.base - b.base);
  }

  /** zx_vmar_unmap: trims, splits and removes mappings. Gaps are fine. */
  unmap(first: number, pages: number): void {
    refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
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

  /** zx_vmar_protect over mapped pages. */
  protect(first: number, pages: number, perms: number): void {
    refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
    refuseIf(perms !== 0 && (perms & Perm.READ) === 0, 'ZX_ERR_INVALID_ARGS');
    for (let address = first; address < first + pages; address++) {
      const mapping = this.mappingAt(address);
      refuseIf(mapping === undefined, 'ZX_ERR_NOT_FOUND');
      refuseIf((perms & ~(mapping?.maxPerms ?? 0)) !== 0, 'ZX_ERR_ACCESS_DENIED');
    }
    for (let address = first; address < first + pages; address++) {
      const mapping = this.mappingAt(address);
      if (mapping) mapping.perms[address - mapping.base] = perms;
      if (perms === 0) this.entries.delete(address);
    }
  }

  /** Refuses an access that would fault; the mapping and what it shows there, if it would not. */
  check(address: number, access: number): { mapping: ModelMapping; shown: Page | null } {
    const mapping = this.mappingAt(address);
    if (mapping === undefined) throw new Refusal('ZX_ERR_NOT_FOUND');
    const perms = mapping.perms[address - mapping.base] ?? 0;
    refuseIf((access & ~perms) !== 0, 'ZX_ERR_ACCESS_DENIED');
    const shown = this.shownAt(mapping, address);
    if (shown === 'outside') throw new Refusal('ZX_ERR_OUT_OF_RANGE');
    return { mapping, shown: shown ?? null };
  }

  /** One page fault for reading or writing; the page reached, null for the zero page. */
  fault(address: number, access: number): Page | null {
    const { mapping, shown } = this.check(address, access);
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

  /** The process ends: its mappings and handles go. */
  kill(): void {
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
