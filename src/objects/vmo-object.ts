/**
 * The VMO itself: a window on a page tree, with a size, parents and children, and who holds it.
 *
 * I1. A VMO lives while a handle, a mapping or a pin holds it. Its children don't hold it: when it
 *     dies they are its parent's (memory-semantics 2.8).
 * I2. A slice is a window on the tree of the VMO that slices of slices lead to, resolved when it is
 *     made; a reference is the same tree, size and stream size under another koid (2.3, 2.4).
 * I3. `extent` is shared by a VMO and its references, and a slice's own.
 */

import type { AddressSpace } from './aspace.js';
import { CoreVmoKind } from '../core/core.js';
import { Discardable } from './discardable.js';
import {
  NO_FIGURES, Topic, VmoInfoFlag, type InfoByTopic, type VmoFigures, type VmoInfo, type VmoPart,
} from './info.js';
import { NO_KOID, type Koid } from './koid.js';
import { Lineage } from './lineage.js';
import { KernelObject, ObjectType, type NameOptions } from './object.js';
import type { PageTree } from './page-tree.js';
import type { KernelSystem } from './system.js';
import { toBytes } from './units.js';
import { partFigures } from './vmo-figures.js';
import { CachePolicy, VmoOption, VmoSignal } from './vmo-options.js';

/** Size of a VMO: whole pages, and the bytes of its stream. */
export interface Extent {
  /** Pages. */
  sizePages: number;
  /** Bytes of the stream. */
  streamSizeBytes: bigint;
  /** Whether some handle may change it: references share that too. */
  readonly isResizable?: boolean;
}

/** How a VMO came to be. */
export type VmoRole = 'root' | 'snapshot' | 'slice' | 'reference';

/** What a new VMO is made of. */
export interface VmoParts extends NameOptions {
  /** Its pages. The VMO takes over the caller's count of users. */ readonly tree: PageTree;
  /** First page of its window on the tree. */ readonly offsetPages: number;
  /** Its size. */ readonly extent: Extent;
  /** Bits of `VmoOption`. */ readonly options: number;
  /** How it came to be. */ readonly role: VmoRole;
  /** The VMO it was made from. */ readonly parent?: VmoObject;
  /** SNAPSHOT with NO_WRITE: it never changes. */ readonly immutable?: boolean;
  /** One of `CachePolicy`. */ readonly cachePolicy?: number;
  /** Physical: address of the first byte. */ readonly physicalAddress?: bigint;
}

/** A virtual memory object. */
export class VmoObject extends KernelObject {
  /** Its pages; shared with slices and references. */
  readonly tree: PageTree;
  /** First page of its window on the tree (slices). */
  readonly offsetPages: number;
  /** Its size; see I3. */
  readonly extent: Extent;
  /** Bits of `VmoOption`. */
  readonly options: number;
  /** How it came to be. */
  readonly role: VmoRole;
  /** SNAPSHOT with NO_WRITE. */
  readonly immutable: boolean;
  /** Locks of a discardable VMO. */
  readonly discardable: Discardable | undefined;
  /** Of device memory: address of page 0 of the tree; else 0. */
  readonly physicalAddress: bigint;
  /** One of `CachePolicy`. */
  cachePolicy: number;
  /** The vDSO: the page from which on it is code; executable mappings of that stay (9.7). */
  vdsoCodePage: number | undefined;
  readonly #lineage: Lineage;
  readonly #parent: Lineage | undefined = undefined;
  #numChildren = 0;
  #numMappings = 0;
  #pins = 0;
  #aspaces: Map<AddressSpace, number> | undefined;

  /**
   * @param system - the system it belongs to
   * @param parts - what it is made of
   */
  constructor(system: KernelSystem, parts: VmoParts) {
    super(system, ObjectType.VMO, parts);
    this.tree = parts.tree;
    this.offsetPages = parts.offsetPages;
    this.extent = parts.extent;
    this.options = parts.options;
    const isDiscardable = (parts.options & VmoOption.DISCARDABLE) !== 0;
    this.discardable = isDiscardable ? new Discardable() : undefined;
    this.role = parts.role;
    this.immutable = parts.immutable ?? false;
    this.cachePolicy = parts.cachePolicy ?? CachePolicy.CACHED;
    this.physicalAddress = parts.physicalAddress ?? parts.parent?.physicalAddress ?? 0n;
    this.#lineage = new Lineage(this);
    if (parts.parent !== undefined) {
      this.#parent = parts.parent.#lineage;
      parts.parent.#numChildren += 1;
    }
    if (this.isOwner) this.tree.owner = this;
    system.vmos.add(this);
  }

  /** Whether the tree is its own: not a slice, not a reference. Others are charged nothing. */
  get isOwner(): boolean {
    return this.role === 'root' || this.role === 'snapshot';
  }

  /** Size in pages. */
  get sizePages(): number {
    return this.extent.sizePages;
  }

  /** Size in bytes. */
  get sizeBytes(): bigint {
    return toBytes(this.extent.sizePages);
  }

  /** Whether its size may change. */
  get isResizable(): boolean {
    return (this.options & VmoOption.RESIZABLE) !== 0;
  }

  /** A window on device memory: no pages of the PMM. */
  get isPhysical(): boolean {
    return this.tree.kind === CoreVmoKind.PHYSICAL;
  }

  /** One run of physical memory: of the PMM, or of a device. */
  get isContiguous(): boolean {
    return this.isPhysical || this.tree.kind === CoreVmoKind.CONTIGUOUS;
  }

  /** Its pages were discarded, and nobody has locked it since. */
  get isDiscarded(): boolean {
    return this.discardable?.isDiscarded === true;
  }

  /** A file's or a pager's, or a clone of such. */
  get isPagerBacked(): boolean {
    const { kind } = this.tree;
    return kind === CoreVmoKind.FILE || kind === CoreVmoKind.PAGER;
  }

  /** The living parent as users see it. */
  get parent(): VmoObject | undefined {
    return this.#parent?.living();
  }

  /** Koid of the living parent, 0 for none. */
  get parentKoid(): Koid {
    return this.parent?.koid ?? NO_KOID;
  }

  /** Direct children made by users. */
  get numChildren(): number {
    return this.#numChildren;
  }

  /** Mappings in all address spaces. */
  get numMappings(): number {
    return this.#numMappings;
  }

  /** Distinct address spaces that map it. */
  get shareCount(): number {
    return this.#aspaces?.size ?? 0;
  }

  /** Pins that hold it. */
  get numPins(): number {
    return this.#pins;
  }

  /** Asserted signals: `ZERO_CHILDREN` (2.8). */
  protected override get stateSignals(): number {
    return this.#numChildren === 0 ? VmoSignal.ZERO_CHILDREN : 0;
  }

  /** Flags of ZX_INFO_VMO, without VIA_*. */
  get infoFlags(): number {
    let flags = this.isPhysical ? 0 : VmoInfoFlag.PAGED;
    if (this.isResizable) flags |= VmoInfoFlag.RESIZABLE;
    if (this.role === 'snapshot') flags |= VmoInfoFlag.IS_COW_CLONE;
    if (this.isPagerBacked) flags |= VmoInfoFlag.PAGER_BACKED;
    if (this.isContiguous) flags |= VmoInfoFlag.CONTIGUOUS;
    if (this.discardable !== undefined) flags |= VmoInfoFlag.DISCARDABLE;
    if (this.immutable) flags |= VmoInfoFlag.IMMUTABLE;
    return flags;
  }

  /** Counts a mapping of it. */
  addMapping(aspace: AddressSpace): void {
    this.#numMappings += 1;
    this.#aspaces ??= new Map();
    this.#aspaces.set(aspace, (this.#aspaces.get(aspace) ?? 0) + 1);
  }

  /** Counts a mapping that went; the last holder takes the VMO with it. */
  removeMapping(aspace: AddressSpace): void {
    this.#numMappings -= 1;
    const left = (this.#aspaces?.get(aspace) ?? 1) - 1;
    if (left > 0) this.#aspaces?.set(aspace, left);
    else this.#aspaces?.delete(aspace);
    this.#dieUnlessHeld();
  }

  /** Counts a pin. */
  addPin(): void {
    this.#pins += 1;
  }

  /** Counts a pin that went. */
  removePin(): void {
    this.#pins -= 1;
    this.#dieUnlessHeld();
  }

  /**
   * Drops the pages of a discardable VMO that nobody has locked; none if some are pinned (5.5).
   *
   * @returns how many went
   */
  discard(): number {
    if (this.tree.isPinned || this.discardable?.discard() !== true) return 0;
    this.system.reclaim.unlocked.delete(this);
    this.tree.noteReclaim();
    return this.system.core.vmoDiscard(this.tree.ref);
  }

  /** Pages of its own tree in its window; 0 for slices and references. No pass is needed. */
  get ownPages(): number {
    if (!this.isOwner || this.isPhysical) return 0;
    return this.system.core.vmoCommittedPages(this.tree.ref, 0, this.sizePages);
  }

  /** Bytes of its record and of the nodes that its page list has alone; 0 before the first page. */
  get metadataBytes(): number {
    return this.isOwner ? this.system.core.vmoMetadataBytes(this.tree.ref) : 0;
  }

  /** All of its pages. */
  get part(): VmoPart {
    return { vmo: this, first: 0, pages: this.sizePages };
  }

  /**
   * ZX_INFO_VMO, as a handle with these rights sees it.
   *
   * @param figures - what it is charged; else it is found out
   */
  describe(rights: number, via: number, figures?: VmoFigures): VmoInfo {
    return {
      ...(figures ?? partFigures(this.system, [this.part])[0] ?? NO_FIGURES),
      koid: this.koid,
      name: this.name,
      sizeBytes: this.sizeBytes,
      streamSizeBytes: this.extent.streamSizeBytes,
      parentKoid: this.parentKoid,
      numChildren: this.numChildren,
      numMappings: this.numMappings,
      shareCount: this.shareCount,
      flags: this.infoFlags | via,
      handleRights: rights,
      cachePolicy: this.cachePolicy,
      metadataBytes: this.metadataBytes,
      committedChangeEvents: this.tree.changeEvents,
    };
  }

  /** Answers HANDLE_BASIC, HANDLE_COUNT and VMO. */
  info<T extends Topic>(topic: T, rights: number): InfoByTopic[T] | undefined {
    if (topic !== Topic.VMO) return this.commonInfo(topic, rights);
    return this.describe(rights, VmoInfoFlag.VIA_HANDLE) as InfoByTopic[T];
  }

  protected onLastHandle(): void {
    this.#dieUnlessHeld();
  }

  #dieUnlessHeld(): void {
    if (this.handleCount + this.#numMappings + this.#pins > 0) return;
    const parent = this.parent;
    if (parent !== undefined) parent.#numChildren += this.#numChildren - 1;
    this.#lineage.bequeath(this.#parent);
    this.system.vmos.delete(this);
    if (this.discardable !== undefined) this.system.reclaim.unlocked.delete(this);
    if (this.tree.owner === this) this.tree.owner = undefined;
    this.tree.release();
    this.freeRecord();
  }
}
