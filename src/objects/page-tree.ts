/**
 * A page tree of the core, as the VMOs that stand on it see it.
 *
 * A VMO owns one; its slices and references stand on the same tree, and a unidirectional clone's
 * tree looks through to its parent's. So a tree can outlive the VMO that made it: its pages are
 * then nobody's.
 *
 * I1. `users` counts the VMOs that stand on the tree and the trees that look through to it; at 0
 *     the core's reference goes. Chains are worked off in a loop.
 * I2. Every pin on the tree's pages is noted here too, so whether a range has pinned pages costs a
 *     look at the pins, however large the range.
 * I3. `leaves` of a family counts the living trees that descend from one another by snapshots: with
 *     two or more, each of them has, in Zircon's words, a hidden parent. What is reclaimed for all
 *     of them at once is counted once, in the family.
 */

import type { Core, VmoRef } from '../core/core.js';
import { checkMemory } from './errors.js';
import type { PageSource } from './page-source.js';
import type { VmoObject } from './vmo-object.js';

/** Kinds of page trees: `CoreVmoKind`. */
export type TreeKind = number;

/** A run of pages. */
export interface PageSpan {
  /** First page. */
  readonly first: number;
  /** Number of pages. */
  readonly pages: number;
}

/** Where trees are registered: the core, and the living trees. */
export interface TreeHome {
  /** The core that holds the trees. */
  readonly core: Core;
  /** Every living tree, oldest first. */
  readonly trees: Set<PageTree>;
}

/** One page tree. */
export class PageTree {
  /** The core's reference. */
  readonly ref: VmoRef;
  /** One of `CoreVmoKind`. */
  readonly kind: TreeKind;
  /** The tree that untouched pages are read from (unidirectional clones). */
  readonly parent: PageTree | undefined;
  /** Page 0 in the numbering of the oldest ancestor. */
  readonly rootOffsetPages: number;
  /** The VMO whose own tree this is, while it lives. Slices and references never own. */
  owner: VmoObject | undefined;
  /** Where its absent pages come from: a pager's VMO and its clones. Immutable once made. */
  source: PageSource | undefined;
  /** Whether any page was ever pinned. */
  wasPinned = false;
  readonly #home: TreeHome;
  #users = 1;
  readonly #pins = new Set<PageSpan>();
  #family: { leaves: number; sweeps: number } | undefined;
  #sweepsBefore = 0; // those of the family that came before this tree
  #changeEvents = 0;

  private constructor(
    home: TreeHome,
    ref: VmoRef,
    kind: TreeKind,
    rootOffsetPages: number,
    parent: PageTree | undefined,
  ) {
    this.#home = home;
    this.ref = ref;
    this.kind = kind;
    this.rootOffsetPages = rootOffsetPages;
    this.parent = parent;
    if (parent !== undefined) parent.#users += 1;
    this.source = parent?.source;
    home.trees.add(this);
  }

  /** A new tree without pages. */
  static create(home: TreeHome, kind: TreeKind, sizePages: number): PageTree {
    const { core } = home;
    const what = `for a VMO of ${sizePages} pages`;
    const ref = checkMemory<VmoRef>(core, core.vmoCreate(kind, sizePages), what, { sizePages });
    return new PageTree(home, ref, kind, 0, undefined);
  }

  /** A tree that the core has made already. */
  static adopt(home: TreeHome, ref: VmoRef, kind: TreeKind): PageTree {
    return new PageTree(home, ref, kind, 0, undefined);
  }

  /** A copy-on-write copy of a window: both are leaves of one family then. */
  snapshot(offsetPages: number, sizePages: number): PageTree {
    const { core } = this.#home;
    const made = core.vmoSnapshot(this.ref, offsetPages, sizePages);
    const what = `for a snapshot of ${sizePages} pages`;
    const ref = checkMemory<VmoRef>(core, made, what, { offsetPages, sizePages });
    const child = this.#offspring(ref, offsetPages, this.parent);
    this.#family ??= { leaves: 1, sweeps: 0 };
    this.#family.leaves += 1;
    child.#family = this.#family;
    child.#sweepsBefore = this.#family.sweeps;
    return child;
  }

  /**
   * A unidirectional clone of a window.
   *
   * @param visiblePages - how many pages from the offset on it may see of this tree
   */
  liveChild(offsetPages: number, sizePages: number, visiblePages: number): PageTree {
    const { core } = this.#home;
    const window = Math.min(sizePages, visiblePages);
    const made = core.vmoLiveChild(this.ref, offsetPages, window);
    const what = `for a clone of ${sizePages} pages`;
    const ref = checkMemory<VmoRef>(core, made, what, { offsetPages, sizePages });
    if (window < sizePages) {
      const grown = core.vmoResize(ref, sizePages);
      if (grown < 0) core.vmoRelease(ref);
      checkMemory(core, grown, what, { offsetPages, sizePages });
    }
    return this.#offspring(ref, offsetPages, this);
  }

  /** Whether another living leaf shares pages with it by snapshots. */
  get hasHiddenParent(): boolean {
    return this.#family !== undefined && this.#family.leaves > 1;
  }

  /**
   * Times that pages it sees were reclaimed: its own, or its family's; and pages that it lost to
   * the lenders of their frames.
   */
  get changeEvents(): number {
    const taken = this.source?.isRoot(this) === true
      ? this.#home.core.vmoTakenPages(this.ref) : 0;
    return this.#changeEvents + taken + (this.#family?.sweeps ?? 0) - this.#sweepsBefore;
  }

  /** Counts that pages of its own were reclaimed. */
  noteReclaim(): void {
    this.#changeEvents += 1;
  }

  /** Counts that pages were reclaimed for all of its family. */
  noteSweep(): void {
    if (this.#family === undefined) this.#changeEvents += 1;
    else this.#family.sweeps += 1;
  }

  /** Whether any page is pinned. */
  get isPinned(): boolean {
    return this.#pins.size > 0;
  }

  /** Whether pages of it are lent out, borrowed by somebody or not. */
  get hasLentPages(): boolean {
    return this.#home.core.vmoLentPages(this.ref) > 0;
  }

  /** Whether pages of a range are compressed. */
  hasCompressed(first: number, pages: number): boolean {
    const { core } = this.#home;
    return core.compressedPages > 0 && core.vmoCompressedPages(this.ref, first, pages) > 0;
  }

  /** Notes a pin. */
  addPin(span: PageSpan): void {
    this.wasPinned = true;
    this.#pins.add(span);
  }

  /** Notes that a pin went. */
  removePin(span: PageSpan): void {
    this.#pins.delete(span);
  }

  /** The pinned pages of [first, first + pages), as spans in order that don't touch. */
  pinnedSpans(first: number, pages: number): PageSpan[] {
    const end = first + pages;
    const spans: PageSpan[] = [];
    for (const pin of [...this.#pins].sort((a, b) => a.first - b.first)) {
      const from = Math.max(first, pin.first);
      const to = Math.min(end, pin.first + pin.pages);
      const last = spans[spans.length - 1];
      if (from >= to) continue;
      if (last === undefined || from > last.first + last.pages) {
        spans.push({ first: from, pages: to - from });
      } else {
        const until = Math.max(to, last.first + last.pages);
        spans[spans.length - 1] = { first: last.first, pages: until - last.first };
      }
    }
    return spans;
  }

  /** Pinned pages of [first, first + pages). */
  pinnedPages(first: number, pages: number): number {
    return this.pinnedSpans(first, pages).reduce((sum, span) => sum + span.pages, 0);
  }

  /** Counts one more VMO on the tree. */
  retain(): void {
    this.#users += 1;
  }

  /** Counts one less; the last one gives the pages back. */
  release(): void {
    let tree: PageTree | undefined = this as PageTree;
    while (tree !== undefined) {
      tree.#users -= 1;
      if (tree.#users > 0) return;
      if (tree.#family !== undefined) tree.#family.leaves -= 1;
      tree.#home.trees.delete(tree);
      tree.#home.core.vmoRelease(tree.ref);
      if (tree.source?.isRoot(tree) === true) tree.source.end();
      tree = tree.parent;
    }
  }

  #offspring(ref: VmoRef, offsetPages: number, parent: PageTree | undefined): PageTree {
    const rootOffsetPages = this.rootOffsetPages + offsetPages;
    return new PageTree(this.#home, ref, this.kind, rootOffsetPages, parent);
  }
}
