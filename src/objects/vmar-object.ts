/**
 * A virtual memory address region: part of an address space, cut into mappings and regions of its
 * own.
 *
 * I1. Regions lie inside their VMAR and don't overlap. A VMAR that was destroyed is empty and stays
 *     so.
 * I2. Every change checks everything first. What can still fail then is the core's memory, and that
 *     is asked for before the first change.
 * I3. Nothing here recurses over the depth of nested VMARs.
 */

import type { AddressSpace } from './aspace.js';
import { fail } from './errors.js';
import { Topic, type InfoByTopic } from './info.js';
import { Mapping } from './mapping.js';
import { KernelObject, ObjectType, type NameOptions } from './object.js';
import { placeRegion, type Placement } from './placement.js';
import { RegionList } from './region-list.js';
import type { StatusName } from './status.js';
import { isPageAligned, pageOf, pagesUp, toBytes } from './units.js';
import type { VmoObject } from './vmo-object.js';

/** What stands in a VMAR. */
export type Region = Mapping | VmarObject;

/** Where a VMAR lies and what may be done in it. */
export interface VmarPlace extends NameOptions {
  /** First virtual page. */ readonly basePage: number;
  /** Number of pages. */ readonly pages: number;
  /** CAN_MAP bits of `VmOption`, and COMPACT. */ readonly canMap: number;
}

/** What `mapVmo` maps. */
export interface MapRequest extends Placement {
  /** The VMO. */ readonly vmo: VmoObject;
  /** First page in it. */ readonly vmoOffsetPages: number;
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly perms: number;
  /** Most that `protect` may allow later. */ readonly maxPerms: number;
}

/** What lies at a page: a mapping, or nothing, and the innermost VMAR around it. */
export interface Leaf {
  /** The mapping, undefined for a gap. */ readonly mapping: Mapping | undefined;
  /** The innermost VMAR. */ readonly vmar: VmarObject;
}

/** A VMAR. */
export class VmarObject extends KernelObject {
  /** Address space it is part of. */
  readonly aspace: AddressSpace;
  /** VMAR it stands in; undefined for the root. */
  readonly parent: VmarObject | undefined;
  /** First virtual page. */
  readonly basePage: number;
  /** Number of pages. */
  readonly pages: number;
  /** CAN_MAP bits of `VmOption`, and COMPACT. */
  readonly canMap: number;
  /** Its regions in address order. */
  readonly regions: RegionList<Region>;
  #alive = true;

  /**
   * @param aspace - address space
   * @param parent - VMAR it stands in
   * @param place - range, rules, name and koid
   */
  constructor(aspace: AddressSpace, parent: VmarObject | undefined, place: VmarPlace) {
    super(aspace.system, ObjectType.VMAR, place);
    this.aspace = aspace;
    this.parent = parent;
    this.basePage = place.basePage;
    this.pages = place.pages;
    this.canMap = place.canMap;
    this.regions = new RegionList(place.basePage);
  }

  /** False once it was destroyed. */
  get isAlive(): boolean {
    return this.#alive;
  }

  /** First page behind it. */
  get endPage(): number {
    return this.basePage + this.pages;
  }

  /** Follows nested VMARs down to what lies at a page. */
  leafAt(page: number): Leaf {
    let vmar: VmarObject = this as VmarObject;
    for (;;) {
      const region = vmar.regions.find(page);
      if (!(region instanceof VmarObject)) return { mapping: region, vmar };
      vmar = region;
    }
  }

  /**
   * Makes a VMAR inside this one (memory-semantics 9.3).
   *
   * @param placement - where
   * @param canMap - CAN_MAP bits of the new one, and COMPACT
   * @param names - a builder's name and koid
   */
  createChild(placement: Placement, canMap: number, names: NameOptions = {}): VmarObject {
    const { basePage } = placeRegion(this, placement);
    const place = { name: 'useralloc', ...names, basePage, pages: placement.pages, canMap };
    const child = new VmarObject(this.aspace, this, place);
    this.regions.insert(child);
    this.aspace.placements += 1;
    return child;
  }

  /**
   * Maps part of a VMO, in place of other mappings if SPECIFIC_OVERWRITE asks for it.
   *
   * @throws ZxError as memory-semantics 9.3 says, ZX_ERR_NO_MEMORY
   */
  mapVmo(request: MapRequest): Mapping {
    const { basePage, replaced } = placeRegion(this, request);
    if (replaced.length > 0) {
      this.aspace.reserveMappings(2);
      this.#remove(basePage, basePage + request.pages, replaced);
    }
    const mapping = Mapping.create({ ...request, parent: this, basePage }, request.perms);
    this.regions.insert(mapping);
    this.aspace.placements += 1;
    return mapping;
  }

  /** Makes one mapping of a new one and the neighbours that it continues (9.6). */
  merge(mapping: Mapping): void {
    const before = this.regions.find(mapping.basePage - 1);
    const behind = this.regions.find(mapping.basePage + mapping.pages);
    let merged = mapping;
    if (before instanceof Mapping && before.continuesWith(merged)) {
      merged = this.#join(before, merged);
    }
    if (behind instanceof Mapping && merged.continuesWith(behind)) this.#join(merged, behind);
  }

  #join(first: Mapping, second: Mapping): Mapping {
    this.regions.remove(first);
    this.regions.remove(second);
    first.absorb(second);
    this.regions.insert(first);
    return first;
  }

  /** Takes back what `mapVmo` did last: the next region goes where it would have gone without. */
  retract(mapping: Mapping): void {
    this.discard(mapping);
    this.aspace.placements -= 1;
  }

  /** Takes a mapping of its own away. */
  discard(mapping: Mapping): void {
    this.regions.remove(mapping);
    mapping.destroy();
  }

  /**
   * Takes mappings and whole VMARs out of a range (9.7). Gaps are no error.
   *
   * @param address - first byte
   * @param length - bytes, rounded up
   * @param opChildren - whether the handle may work on VMARs inside
   */
  unmap(address: bigint, length: bigint, opChildren: boolean): void {
    const [first, end] = this.checkRange(address, length);
    const regions = this.regions.overlapping(first, end);
    for (const region of regions) {
      if (!(region instanceof VmarObject)) continue;
      const whole = first <= region.basePage && region.endPage <= end;
      if (whole && opChildren) continue;
      const why = whole ? 'needs OP_CHILDREN' : 'would cut a VMAR';
      const details = { address, length, vmarBase: toBytes(region.basePage) };
      fail('ZX_ERR_INVALID_ARGS', `unmap ${address}+${length} ${why}`, details);
    }
    this.aspace.assertNoVdsoCode(first, end);
    this.#remove(first, end, regions);
  }

  /**
   * Refuses a range that is not page aligned, empty, or not inside; and a VMAR that was destroyed.
   *
   * @param outside - status for a range that is not inside
   * @returns first page and end page
   */
  checkRange(
    address: bigint,
    length: bigint,
    outside: StatusName = 'ZX_ERR_INVALID_ARGS',
  ): [first: number, end: number] {
    const first = pageOf(address);
    const end = first + pagesUp(length);
    const details = { address, length };
    if (length === 0n || !isPageAligned(address)) {
      fail('ZX_ERR_INVALID_ARGS', `range ${address}+${length}: not page aligned or empty`, details);
    }
    this.assertAlive();
    if (first < this.basePage || end > this.endPage) {
      const [low, high] = [toBytes(this.basePage), toBytes(this.endPage)];
      fail(outside, `range ${address}+${length}: allowed ${low} to ${high}`, {
        ...details,
        minimumAddress: low,
        maximumAddress: high,
      });
    }
    return [first, end];
  }

  /** Refuses a VMAR that was destroyed. */
  assertAlive(): void {
    if (this.#alive) return;
    fail('ZX_ERR_BAD_STATE', `VMAR ${this.koid} was destroyed`, { koid: this.koid });
  }

  /** Destroys it with all that it holds and takes it out of its parent. */
  destroy(): void {
    this.parent?.regions.remove(this);
    this.die((mapping) => mapping.destroy());
  }

  /**
   * Empties it and every VMAR below, for ever.
   *
   * @param end - what becomes of a mapping
   */
  die(end: (mapping: Mapping) => void): void {
    const waiting: VmarObject[] = [this];
    for (let vmar = waiting.pop(); vmar !== undefined; vmar = waiting.pop()) {
      vmar.#alive = false;
      for (const region of [...vmar.regions.values()]) {
        if (region instanceof VmarObject) waiting.push(region);
        else end(region);
      }
      vmar.regions.clear();
      if (vmar.handleCount === 0) vmar.freeRecord();
    }
  }

  /** Answers HANDLE_BASIC, HANDLE_COUNT and VMAR. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    if (topic !== Topic.VMAR) return this.commonInfo(topic, rights);
    const info = { base: toBytes(this.basePage), length: toBytes(this.pages) };
    return info as unknown as InfoByTopic[T];
  }

  protected onLastHandle(): void {
    // While it lives its parent or its address space keeps it.
    if (!this.#alive) this.freeRecord();
  }

  /** Takes [first, end) out of the regions that have pages in it. */
  #remove(first: number, end: number, regions: readonly Region[]): void {
    for (const region of regions) {
      const from = Math.max(first, region.basePage);
      const to = Math.min(end, region.basePage + region.pages);
      if (region instanceof VmarObject) region.destroy();
      else if (to - from === region.pages) this.discard(region);
      else {
        const behind = region.cut(from - region.basePage, to - from);
        this.regions.shrunk(region);
        if (behind !== undefined) this.regions.insert(behind);
      }
    }
  }
}
