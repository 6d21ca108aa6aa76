/**
 * Fills VMOs and page tables of an imported system with frames: the part of building that knows
 * pages.
 *
 * I1. Each recorded frame that some mapping shows becomes one frame of the core, in the order of
 *     PFNs. The zero page, device memory and frames nobody maps become none.
 * I2. A frame's first place is plain. A further place at the same key of the same family is
 *     shared, any other an alias.
 * I3. After filling, every page-table entry leads to what its VMO has there: the core's own audit
 *     says so.
 *
 * Cost: 18 bytes a frame while building; pages travel to the core in blocks of 512.
 */

import { FrameBit } from './frames.js';
import { PageCursor, PageKind } from './pages.js';
import { ZERO_PAGE, type FamilyPlan, type VmoPlan } from './plan.js';
import type { LinuxMapping, LinuxSnapshot } from './snapshot.js';

/** A frame number in a list that leaves a page-table entry as it is. */
export const NO_ENTRY = 0xffffffff;

/** Flags a frame may have: what the kernel's figures tell apart. */
export interface FrameKinds {
  /** hugetlbfs: in no Rss, in Shared_Hugetlb or Private_Hugetlb. */ readonly hugetlb?: boolean;
  /** Anonymous. */ readonly anonymous?: boolean;
  /** Shared memory (tmpfs, memfd, SysV, shared anonymous). */ readonly sharedMemory?: boolean;
  /** It has other mappings than the entries that were made. */ readonly outside?: boolean;
}

/** What filling needs of the core. A result below 0 is a `zx_status_t`. */
export interface FillDoor {
  /** Takes free frames that follow one another: the first one's number. */
  framesCreate(count: number): number;
  /** Says what a frame is. */
  frameSetKinds(frame: number, kinds: FrameKinds): void;
  /** Puts frames into a VMO's list from `page` on; 0 leaves a page as it is. */
  vmoInsertFrames(vmo: number, page: number, frames: Uint32Array, alias: boolean): number;
  /** Drops pages of a VMO: they read as zero. */
  vmoZeroPages(vmo: number, page: number, pages: number): number;
  /** Writes page-table entries: a frame, 0 for the zero page, {@link NO_ENTRY} for none. */
  ptesInstall(mapping: number, page: number, frames: Uint32Array, writable: boolean): number;
}

/** Frames that were recorded and not made. */
export interface NonPages {
  /** PFNs, ascending. */ readonly pfns: Float64Array;
  /** For each, 1: a page of zeros, 0: device memory. */ readonly isZero: Uint8Array;
}

/** Called when the core refuses: throws. */
export type Refuse = (status: number, what: string, pages: number) => never;

const BLOCK_PAGES = 512;

/** Puts the pages of a snapshot where its plan says. */
export class PageFiller {
  /** Frames made. */
  readonly frameCount: number;
  /** PFN of each frame made, by frame number less `firstFrame`. */
  readonly pfns: Float64Array;
  /** Number of the first frame made. */
  readonly firstFrame: number;
  /** Frames not made. */
  readonly nonPages: NonPages;
  /** Core frame of each dense index, 0 for none. */
  private readonly frameOf: Uint32Array;
  /** Family that a frame was placed in first: index of its oldest VMO + 1. */
  private readonly family: Uint32Array;
  /** Key in that family. */
  private readonly key: Float64Array;
  /** Page-table entries written that lead to each frame. */
  private readonly entries: Uint32Array;
  private readonly plain = new Uint32Array(BLOCK_PAGES);
  private readonly aliases = new Uint32Array(BLOCK_PAGES);
  private readonly oldest = new Map<VmoPlan, VmoPlan>();
  private block = -1;
  private low = 0;
  private high = 0;
  private filled = 0;
  private aliased = 0;

  /**
   * Makes the frames.
   *
   * @param core - the core's door for builders
   * @param snapshot - the snapshot
   * @param plan - its VMOs
   * @param refuse - turns a status of the core into an error
   */
  constructor(
    private readonly core: FillDoor,
    private readonly snapshot: LinuxSnapshot,
    private readonly plan: FamilyPlan,
    private readonly refuse: Refuse,
  ) {
    const { count } = snapshot.frames;
    this.frameOf = new Uint32Array(count);
    this.family = new Uint32Array(count);
    this.key = new Float64Array(count);
    this.entries = new Uint32Array(count);
    this.frameCount = this.markShown();
    this.pfns = new Float64Array(this.frameCount);
    this.nonPages = this.listNonPages();
    this.firstFrame = this.frameCount > 0 ? this.makeFrames() : 0;
  }

  /** Number of the core's frame for a dense index; 0 if none was made. */
  frame(index: number): number {
    return this.frameOf[index] as number;
  }

  /**
   * Puts a VMO's pages into its list. Its file and its source must be filled already.
   *
   * @param vmo - a planned VMO
   * @param ref - the core's tree for it: empty, or just made as a snapshot of its source
   */
  fill(vmo: VmoPlan, ref: number): void {
    if (vmo.kind === 'file') this.fillFile(vmo, ref);
    else if (vmo.source) this.fillDifferences(vmo, vmo.source, ref);
    else this.fillOwn(vmo, ref);
    if (vmo.kind === 'private') this.hideFile(vmo, ref);
  }

  /**
   * Writes the page-table entries of a mapping.
   *
   * @param mapping - a mapping of the snapshot
   * @param ref - the core's mapping for it
   */
  installEntries(mapping: LinuxMapping, ref: number): void {
    const { plain } = this;
    const cursor = new PageCursor(this.plan.kinds, [mapping]);
    let block = -1;
    let low = 0;
    let high = 0;
    const flush = (): void => {
      if (block < 0) return;
      const list = plain.subarray(low, high);
      const status = this.core.ptesInstall(ref, block * BLOCK_PAGES + low, list, false);
      if (status < 0) this.refuse(status, 'page tables', list.length);
    };
    while (cursor.next()) {
      const page = cursor.vpn - mapping.startPage;
      const at = page % BLOCK_PAGES;
      if (page - at !== block * BLOCK_PAGES) {
        flush();
        plain.fill(NO_ENTRY);
        block = (page - at) / BLOCK_PAGES;
        low = at;
      }
      const { frame } = cursor;
      const zero = cursor.kind === PageKind.ZERO;
      if (!zero) this.entries[frame] = (this.entries[frame] as number) + 1;
      plain[at] = zero ? 0 : (this.frameOf[frame] as number);
      high = at + 1;
    }
    flush();
    plain.fill(0);
  }

  /**
   * What kpagecount has beyond the entries written, for every frame where they differ: pairs of
   * frame and count. Below 0 where a torn recording has more entries than mappings were counted.
   */
  extras(): Int32Array {
    const { frames } = this.snapshot;
    const pairs: number[] = [];
    for (let index = 0; index < this.frameOf.length; index++) {
      if (this.frameOf[index] === 0) continue;
      const extra = (frames.mapcount[index] as number) - (this.entries[index] as number);
      if (extra === 0) continue;
      const frame = this.frameOf[index] as number;
      pairs.push(frame, extra);
      this.core.frameSetKinds(frame, { outside: true });
    }
    return Int32Array.from(pairs);
  }

  /** Marks the frames that mappings show, in `frameOf`; returns how many. */
  private markShown(): number {
    const { frameOf, snapshot } = this;
    let shown = 0;
    for (const mapping of snapshot.mappings) {
      const cursor = new PageCursor(this.plan.kinds, [mapping]);
      while (cursor.next()) {
        if (cursor.kind === PageKind.ZERO || frameOf[cursor.frame] !== 0) continue;
        frameOf[cursor.frame] = 1;
        shown++;
      }
    }
    return shown;
  }

  private listNonPages(): NonPages {
    const { frameOf, snapshot: { frames } } = this;
    const pfns: number[] = [];
    const isZero: number[] = [];
    for (let index = 0; index < frameOf.length; index++) {
      if (frameOf[index] !== 0) continue;
      pfns.push(frames.pfn[index] as number);
      isZero.push((frames.bitsOf(index) & FrameBit.ZERO) === 0 ? 0 : 1);
    }
    return { pfns: Float64Array.from(pfns), isZero: Uint8Array.from(isZero) };
  }

  private makeFrames(): number {
    const { frameOf, core } = this;
    const { frames } = this.snapshot;
    const first = core.framesCreate(this.frameCount);
    if (first < 0) this.refuse(first, 'frames', this.frameCount);
    const kinds = Array.from(frames.bits, kindsOf);
    let next = 0;
    for (let index = 0; index < frameOf.length; index++) {
      if (frameOf[index] === 0) continue;
      this.pfns[next] = frames.pfn[index] as number;
      frameOf[index] = first + next++;
      const kind = kinds[frames.classOf[index] as number];
      if (kind) core.frameSetKinds(frameOf[index] as number, kind);
    }
    return first;
  }

  private fillFile(vmo: VmoPlan, ref: number): void {
    for (const [firstPage, values] of vmo.pages?.entries() ?? []) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i] as number;
        if (value !== 0 && value !== ZERO_PAGE) this.put(vmo, ref, firstPage + i, value - 1);
      }
    }
    this.flush(ref);
  }

  private fillOwn(vmo: VmoPlan, ref: number): void {
    const own = new PageCursor(this.plan.kinds, vmo.mappings, PageKind.OWN);
    while (own.next()) this.put(vmo, ref, own.vpn - vmo.baseVpn, own.frame);
    this.flush(ref);
  }

  /** Puts in what the VMO has and its source does not, and takes out what only the source has. */
  private fillDifferences(vmo: VmoPlan, source: VmoPlan, ref: number): void {
    const own = new PageCursor(this.plan.kinds, vmo.mappings, PageKind.OWN);
    const theirs = new PageCursor(this.plan.kinds, source.mappings, PageKind.OWN);
    let gone = -1;
    const dropTo = (end: number): void => {
      if (gone >= 0) this.zero(ref, gone - vmo.baseVpn, end - gone);
      gone = -1;
    };
    own.next();
    theirs.next();
    while (own.vpn < Infinity || theirs.vpn < Infinity) {
      if (theirs.vpn < own.vpn) {
        if (gone < 0 && theirs.vpn >= vmo.baseVpn && theirs.vpn < vmo.endVpn) gone = theirs.vpn;
        theirs.next();
        continue;
      }
      dropTo(own.vpn);
      if (theirs.vpn > own.vpn || theirs.frame !== own.frame) {
        this.put(vmo, ref, own.vpn - vmo.baseVpn, own.frame);
      }
      if (theirs.vpn === own.vpn) theirs.next();
      own.next();
    }
    dropTo(vmo.endVpn);
    this.flush(ref);
  }

  /** The zero page in a private copy hides the file's page. */
  private hideFile(vmo: VmoPlan, ref: number): void {
    const zero = new PageCursor(this.plan.kinds, vmo.mappings, PageKind.ZERO);
    while (zero.next()) this.zero(ref, zero.vpn - vmo.baseVpn, 1);
  }

  private zero(ref: number, page: number, pages: number): void {
    const status = this.core.vmoZeroPages(ref, page, pages);
    if (status < 0) this.refuse(status, 'page lists', pages);
  }

  /** Takes one page into the block that is being gathered. */
  private put(vmo: VmoPlan, ref: number, page: number, index: number): void {
    const at = page % BLOCK_PAGES;
    if (page - at !== this.block * BLOCK_PAGES) {
      this.flush(ref);
      this.block = (page - at) / BLOCK_PAGES;
      this.low = at;
    }
    this.high = at + 1;
    const frame = this.frameOf[index] as number;
    const root = this.rootOf(vmo);
    const key = vmo.kind === 'anonymous' ? page + vmo.baseVpn - root.baseVpn : page;
    if (this.family[index] === 0) {
      this.family[index] = root.index + 1;
      this.key[index] = key;
    } else if (this.family[index] !== root.index + 1 || this.key[index] !== key) {
      this.aliases[at] = frame;
      this.aliased++;
      return;
    }
    this.plain[at] = frame;
    this.filled++;
  }

  private flush(ref: number): void {
    if (this.filled > 0) this.insert(ref, this.plain, false);
    if (this.aliased > 0) this.insert(ref, this.aliases, true);
    this.filled = 0;
    this.aliased = 0;
    this.block = -1;
  }

  private insert(ref: number, list: Uint32Array, alias: boolean): void {
    const { low, high } = this;
    const part = list.subarray(low, high);
    const status = this.core.vmoInsertFrames(ref, this.block * BLOCK_PAGES + low, part, alias);
    if (status < 0) this.refuse(status, 'page lists', high - low);
    part.fill(0);
  }

  /** The oldest VMO of a family: whose keys the others keep. */
  private rootOf(vmo: VmoPlan): VmoPlan {
    let root = this.oldest.get(vmo);
    if (!root) {
      const above = vmo.source ?? vmo.file;
      root = above ? this.rootOf(above) : vmo;
      this.oldest.set(vmo, root);
    }
    return root;
  }
}

function kindsOf(bits: number): FrameKinds | undefined {
  if (bits & FrameBit.HUGETLB) return { hugetlb: true };
  if (bits & FrameBit.ANON) return { anonymous: true };
  return bits & FrameBit.SWAPBACKED ? { sharedMemory: true } : undefined;
}
