/**
 * A mapping: a range of a VMO at a range of addresses, with permissions kept for each part.
 *
 * I1. `pieces` tile the mapping in order; neighbours differ in their permissions, but where one
 *     piece is one mapping of the core and the other has none (`ref` 0), behind the end of a slice.
 * I2. A piece's permissions never exceed `maxPerms`, what the handles allowed when it was mapped.
 * I3. The VMO counts the mapping as long as it exists; cutting one in two makes it count two.
 */

import type { AddressSpace } from './aspace.js';
import type { Core, MappingRef } from '../core/core.js';
import { checkMemory } from './errors.js';
import { Access, VmOption } from './vm-options.js';
import type { VmarObject } from './vmar-object.js';
import type { VmoObject } from './vmo-object.js';
import { pagesUp } from './units.js';

/** A part of a mapping with one set of permissions. */
export interface Piece {
  /** First page, counted from the mapping's. */ readonly first: number;
  /** Number of pages. */ readonly pages: number;
  /** READ 1, WRITE 2, EXECUTE 4. */ readonly perms: number;
  /** Mapping of the core, 0 for none. */ readonly ref: MappingRef;
}

const NO_REF = 0 as MappingRef;
/** Options that have to be equal in mappings that become one. */
const MERGE_OPTIONS =
  VmOption.ALLOW_FAULTS | VmOption.FAULT_BEYOND_STREAM_SIZE | VmOption.REQUIRE_NON_RESIZABLE;

/** What a mapping is made of. */
export interface MappingParts {
  /** VMAR it stands in. */ readonly parent: VmarObject;
  /** First virtual page. */ readonly basePage: number;
  /** Number of pages. */ readonly pages: number;
  /** The VMO. */ readonly vmo: VmoObject;
  /** First page in the VMO. */ readonly vmoOffsetPages: number;
  /** Most that `protect` may allow: READ 1, WRITE 2, EXECUTE 4. */ readonly maxPerms: number;
  /** Bits of `VmOption` it was mapped with. */ readonly options: number;
}

/** One mapping of an address space. */
export class Mapping implements MappingParts {
  readonly parent: VmarObject;
  readonly vmo: VmoObject;
  readonly maxPerms: number;
  readonly options: number;
  #basePage: number;
  #pages: number;
  #vmoOffsetPages: number;
  #pieces: Piece[];

  private constructor(parts: MappingParts, pieces: Piece[]) {
    this.parent = parts.parent;
    this.vmo = parts.vmo;
    this.maxPerms = parts.maxPerms;
    this.options = parts.options;
    this.#basePage = parts.basePage;
    this.#pages = parts.pages;
    this.#vmoOffsetPages = parts.vmoOffsetPages;
    this.#pieces = pieces;
    parts.vmo.addMapping(parts.parent.aspace);
    if (this.#isStreamBound) this.aspace.addStreamBound(1);
    this.#noteVdsoCode(parts.pages, this.perms);
    if (this.vmo.tree.source !== undefined) this.aspace.addPaged(1);
  }

  /**
   * Maps.
   *
   * @param perms - READ 1, WRITE 2, EXECUTE 4
   * @throws ZxError ZX_ERR_NO_MEMORY
   */
  static create(parts: MappingParts, perms: number): Mapping {
    const { vmo, vmoOffsetPages, pages } = parts;
    const { aspace } = parts.parent;
    const past = vmo.role === 'slice' ? Math.max(0, vmo.sizePages - vmoOffsetPages) : pages;
    const inside = Math.min(pages, past);
    const pieces: Piece[] = [];
    if (inside > 0) {
      const { core } = vmo.system;
      const offset = vmo.offsetPages + vmoOffsetPages;
      const { ref: tree } = vmo.tree;
      const made = core.map(aspace.ref, tree, parts.basePage, inside, offset, perms);
      const ref = checkMemory<MappingRef>(core, made, `for a mapping of ${pages} pages`, { pages });
      pieces.push({ first: 0, pages: inside, perms, ref });
    }
    if (inside < pages) pieces.push({ first: inside, pages: pages - inside, perms, ref: NO_REF });
    return new Mapping(parts, pieces);
  }

  /** First virtual page. */
  get basePage(): number {
    return this.#basePage;
  }

  /** Number of pages. */
  get pages(): number {
    return this.#pages;
  }

  /** First page in the VMO. */
  get vmoOffsetPages(): number {
    return this.#vmoOffsetPages;
  }

  /** Address space it stands in. */
  get aspace(): AddressSpace {
    return this.parent.aspace;
  }

  /** Its parts in address order; see I1. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** The core's mapping of the first piece, for builders; 0 for none. */
  get ref(): MappingRef {
    return this.#pieces[0]?.ref ?? NO_REF;
  }

  /** Permissions of the first piece. */
  get perms(): number {
    return this.#pieces[0]?.perms ?? 0;
  }

  /**
   * Pages from the start on that an access may reach: up to the VMO's end, or the page that holds
   * the stream's last byte where the mapping says so.
   */
  get reachablePages(): number {
    const { extent } = this.vmo;
    const stream = this.#isStreamBound ? pagesUp(extent.streamSizeBytes) : extent.sizePages;
    const end = Math.min(extent.sizePages, stream);
    return Math.max(0, Math.min(this.#pages, end - this.#vmoOffsetPages));
  }

  /** The ranges of equal permissions that have pages in [first, first + pages), cut to it. */
  protections(first = 0, pages = this.#pages): Piece[] {
    const end = first + pages;
    const merged: Piece[] = [];
    for (const piece of this.#pieces) {
      const from = Math.max(first, piece.first);
      const to = Math.min(end, piece.first + piece.pages);
      if (from >= to) continue;
      const last = merged[merged.length - 1];
      if (last !== undefined && last.perms === piece.perms) {
        merged[merged.length - 1] = { ...last, pages: to - last.first };
      } else merged.push({ ...piece, first: from, pages: to - from });
    }
    return merged;
  }

  /** Whether `splitAt` would take one more of the core's mappings. */
  isSplitBy(page: number): boolean {
    return this.#pieces.some(({ first, pages, ref }) =>
      first < page && page < first + pages && ref !== 0);
  }

  /**
   * Splits the pieces so that one starts at a page. Nothing that a program sees changes.
   *
   * @throws ZxError ZX_ERR_NO_MEMORY, unless the core's mapping was reserved
   */
  splitAt(page: number): void {
    const index = this.#pieces.findIndex((p) => p.first < page && page < p.first + p.pages);
    const piece = this.#pieces[index];
    if (piece === undefined) return;
    const at = page - piece.first;
    const made = piece.ref === 0 ? NO_REF : this.#core.splitMapping(piece.ref, at);
    const ref = checkMemory<MappingRef>(this.#core, made, 'to split a mapping', { page });
    const { perms } = piece;
    const second: Piece = { first: page, pages: piece.pages - at, perms, ref };
    this.#pieces.splice(index, 1, { ...piece, pages: at }, second);
  }

  /** Sets the permissions of [first, first + pages), where pieces start and end. Cannot fail. */
  setPerms(first: number, pages: number, perms: number): void {
    this.#pieces = this.#pieces.map((piece) => {
      if (piece.first < first || piece.first >= first + pages) return piece;
      if (piece.ref !== 0) this.#core.setPerms(piece.ref, perms);
      return { ...piece, perms };
    });
    this.#mergePieces();
    this.#noteVdsoCode(first + pages, perms);
  }

  /** The vDSO's code stays where pages of it, up to `end`, become executable (9.7). */
  #noteVdsoCode(end: number, perms: number): void {
    const codePage = this.vmo.vdsoCodePage ?? Infinity;
    if (this.#vmoOffsetPages + end > codePage && (perms & Access.EXECUTE) !== 0) {
      this.aspace.vdsoCode.add(this);
    }
  }

  /** Whether another mapping goes on where this one ends, as if it were a part of it (9.6). */
  continuesWith(next: Mapping): boolean {
    const last = this.#pieces[this.#pieces.length - 1];
    return (
      next.vmo === this.vmo && next.basePage === this.#basePage + this.#pages &&
      next.vmoOffsetPages === this.#vmoOffsetPages + this.#pages &&
      next.maxPerms === this.maxPerms && ((next.options ^ this.options) & MERGE_OPTIONS) === 0 &&
      next.perms === last?.perms && next.parent === this.parent
    );
  }

  /** Takes over the pages of one that goes on where this one ends. */
  absorb(next: Mapping): void {
    const shift = this.#pages;
    const taken = next.#pieces.map((piece) => ({ ...piece, first: piece.first + shift }));
    this.#pieces.push(...taken);
    this.#pages += next.#pages;
    if (this.aspace.vdsoCode.has(next)) this.aspace.vdsoCode.add(this);
    next.forget();
    this.#mergePieces();
  }

  /**
   * Takes [first, first + pages) out, not all of it.
   *
   * @returns what lies behind, if the range was in the middle: a mapping that is in no list yet
   * @throws ZxError ZX_ERR_NO_MEMORY, only if the range lies in the middle
   */
  cut(first: number, pages: number): Mapping | undefined {
    const end = first + pages;
    const left: Piece[] = [];
    const right: Piece[] = [];
    for (const piece of this.#pieces) {
      const pieceEnd = piece.first + piece.pages;
      const from = Math.min(Math.max(first, piece.first), pieceEnd);
      const to = Math.max(Math.min(end, pieceEnd), from);
      const behind = from < to ? this.#cutPiece(piece, from, to) : piece.ref;
      const before = from - piece.first;
      if (before > 0) left.push({ ...piece, pages: before });
      if (end >= pieceEnd) continue;
      const start = Math.max(piece.first, to);
      right.push({ ...piece, first: start - end, pages: pieceEnd - start, ref: behind });
    }
    const parts = {
      ...this.#asParts(),
      basePage: this.#basePage + end,
      pages: this.#pages - end,
      vmoOffsetPages: this.#vmoOffsetPages + end,
    };
    if (first > 0) {
      this.#pieces = left;
      this.#pages = first;
      return right.length === 0 ? undefined : new Mapping(parts, right);
    }
    this.#basePage = parts.basePage;
    this.#pages = parts.pages;
    this.#vmoOffsetPages = parts.vmoOffsetPages;
    this.#pieces = right;
    return undefined;
  }

  /** Takes the mapping away. */
  destroy(): void {
    for (const piece of this.#pieces) if (piece.ref !== 0) this.#core.unmap(piece.ref);
    this.forget();
  }

  /** Lets go of the VMO: the core has taken the address space away, or is about to. */
  forget(): void {
    this.#pieces = [];
    this.aspace.vdsoCode.delete(this);
    if (this.#isStreamBound) this.aspace.addStreamBound(-1);
    if (this.vmo.tree.source !== undefined) this.aspace.addPaged(-1);
    this.vmo.removeMapping(this.aspace);
  }

  get #isStreamBound(): boolean {
    return (this.options & VmOption.FAULT_BEYOND_STREAM_SIZE) !== 0;
  }

  /** Cuts pages [from, to) out of a piece; returns the core's mapping of what lies behind. */
  #cutPiece(piece: Piece, from: number, to: number): MappingRef {
    if (piece.ref === 0) return NO_REF;
    if (from === piece.first && to === piece.first + piece.pages) {
      this.#core.unmap(piece.ref);
      return NO_REF;
    }
    const made = this.#core.unmapRange(piece.ref, from - piece.first, to - from);
    const details = { pages: to - from };
    const second = checkMemory<MappingRef>(this.#core, made, 'to split a mapping', details);
    return from === piece.first ? piece.ref : second;
  }

  /** Makes one piece of neighbours with equal permissions. */
  #mergePieces(): void {
    const merged: Piece[] = [];
    for (const piece of this.#pieces) {
      const last = merged[merged.length - 1];
      const fits = last?.perms === piece.perms && (last.ref === 0) === (piece.ref === 0);
      if (last === undefined || !fits) {
        merged.push(piece);
        continue;
      }
      if (piece.ref !== 0) this.#core.mergeMappings(last.ref, piece.ref);
      merged[merged.length - 1] = { ...last, pages: last.pages + piece.pages };
    }
    this.#pieces = merged;
  }

  #asParts(): MappingParts {
    const { parent, basePage, pages, vmo, vmoOffsetPages, maxPerms, options } = this;
    return { parent, basePage, pages, vmo, vmoOffsetPages, maxPerms, options };
  }

  get #core(): Core {
    return this.vmo.system.core;
  }
}
