/**
 * The model's world: every living tree, VMO and process, and the rules that tie page changes to
 * page-table entries.
 *
 * I1. `trees` are exactly those that a living VMO resolves to, and their live parents.
 * I2. A page-table entry of a process at some address leads to the page that the mapping there
 *     shows (`lookup`), or to the zero page (null) where that shows none.
 *
 * An entry appears by a fault only. It goes away when the page shown there changes, however that
 * came.
 */
import { refuseIf } from './status.js';
import { type Page, type Tree, type TreeKind, lookup, newPage, ownPage } from './tree.js';
import type { ModelProcess } from './process.js';
import type { ModelVmo } from './vmo.js';

/** All state of one modelled system. */
export class World {
  readonly trees = new Set<Tree>();
  /** Living VMOs, oldest first. */
  readonly vmos: ModelVmo[] = [];
  readonly processes: ModelProcess[] = [];
  #next = 0;

  /** A number that grows by one each time: identity and age of trees, VMOs and processes. */
  nextId(): number {
    return ++this.#next;
  }

  /** A new empty tree. */
  newTree(kind: TreeKind, sizePages: number, family?: number): Tree {
    const id = this.nextId();
    const tree: Tree = {
      id, kind, sizePages, family: family ?? id,
      slots: new Map(), parent: null, parentOffset: 0, parentLimit: 0, pins: new Map(),
    };
    this.trees.add(tree);
    return tree;
  }

  /** A tree that shows, copy-on-write, the window of `source` at `offset`, zeros beyond it. */
  snapshotTree(source: Tree, offset: number, sizePages: number): Tree {
    const visible = Math.max(0, Math.min(sizePages, source.sizePages - offset));
    const parentLimit = Math.max(0, Math.min(visible, source.parentLimit - offset));
    const id = this.nextId();
    const tree: Tree = {
      id, kind: 'anonymous', sizePages, family: source.family, slots: new Map(),
      parent: source.parent, parentOffset: source.parentOffset + offset, parentLimit,
      pins: new Map(),
    };
    for (const [page, slot] of source.slots) {
      if (page >= offset && page < offset + visible) tree.slots.set(page - offset, slot);
    }
    this.trees.add(tree);
    this.#writeProtect(source, offset, visible);
    return tree;
  }

  /** No mapping of these pages may be written without a fault from now on. */
  #writeProtect(tree: Tree, first: number, pages: number): void {
    for (const { mappings, writable } of this.processes) {
      for (const m of mappings) {
        if (m.vmo.tree !== tree) continue;
        for (let i = 0; i < m.pages; i++) {
          const page = m.vmoOffset + m.vmo.treeOffset + i;
          if (page >= first && page < first + pages) writable.delete(m.base + i);
        }
      }
    }
  }

  /** A tree that follows `visible` pages of `parent` live, page by page, until it forks one. */
  liveTree(parent: Tree, offset: number, sizePages: number, visible: number): Tree {
    const parentLimit = Math.max(0, Math.min(sizePages, visible));
    const id = this.nextId();
    const tree: Tree = {
      id, kind: 'anonymous', sizePages, family: id, slots: new Map(),
      parent, parentOffset: offset, parentLimit, pins: new Map(),
    };
    this.trees.add(tree);
    return tree;
  }

  /** Trees that hold `page` in a slot of their own. */
  holders(page: Page): Tree[] {
    const found: Tree[] = [];
    for (const tree of this.trees) {
      for (const slot of tree.slots.values()) {
        if (slot === page) {
          found.push(tree);
          break;
        }
      }
    }
    return found;
  }

  /** Do other living trees belong to the same family of snapshots? */
  hasHiddenParent(tree: Tree): boolean {
    for (const other of this.trees) if (other !== tree && other.family === tree.family) return true;
    return false;
  }

  /** Makes `page` of `tree` its own and unshared, as a write fault does; that page. */
  fork(tree: Tree, page: number): Page {
    const own = ownPage(tree, page);
    if (own !== undefined && this.holders(own).length === 1) return own;
    const fresh = newPage(lookup(tree, page));
    tree.slots.set(page, fresh);
    this.dropStaleEntries();
    return fresh;
  }

  /** Empties whole page `page`: it reads as zero from now on. */
  clear(tree: Tree, page: number): void {
    const pinned = tree.pins.has(page) ? ownPage(tree, page) : undefined;
    if (pinned !== undefined) {
      pinned.bytes = null;
      return;
    }
    tree.slots.delete(page);
    if (page < tree.parentLimit) tree.slots.set(page, 'zero');
    this.dropStaleEntries();
  }

  /** Empties the whole pages from `first` up to `end`. */
  clearRange(tree: Tree, first: number, end: number): void {
    const held = [...tree.slots.keys()].filter((page) => page >= first && page < end);
    const shown = Math.max(0, Math.min(end, tree.parentLimit) - first);
    const pages = new Set([...held, ...Array.from({ length: shown }, (_, i) => first + i)]);
    for (const page of pages) this.clear(tree, page);
  }

  /** Changes the size; what lies past the new end is gone for ever. */
  resize(tree: Tree, sizePages: number): void {
    for (const page of [...tree.slots.keys()]) if (page >= sizePages) tree.slots.delete(page);
    tree.sizePages = sizePages;
    tree.parentLimit = Math.min(tree.parentLimit, sizePages);
    for (const child of this.trees) {
      if (child.parent !== tree) continue;
      const limit = Math.max(0, sizePages - child.parentOffset);
      child.parentLimit = Math.min(child.parentLimit, limit);
    }
    this.dropStaleEntries();
  }

  /** Pins `count` pages at `first`, committing and forking them; device memory has no pages. */
  pin(tree: Tree, first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      if (tree.kind !== 'physical') this.fork(tree, page);
      tree.pins.set(page, (tree.pins.get(page) ?? 0) + 1);
    }
  }

  /** Takes one pin off each of `count` pages at `first`. */
  unpin(tree: Tree, first: number, count: number): void {
    for (let page = first; page < first + count; page++) {
      const pins = tree.pins.get(page) ?? 0;
      refuseIf(pins === 0, 'ZX_ERR_BAD_STATE');
      if (pins === 1) tree.pins.delete(page);
      else tree.pins.set(page, pins - 1);
    }
  }

  /** Removes the page-table entries that no longer lead where their mapping leads (I2). */
  dropStaleEntries(): void {
    for (const process of this.processes) {
      for (const [address, entry] of process.entries) {
        const mapping = process.mappingAt(address);
        const shown = mapping && process.shownAt(mapping, address);
        if (!mapping || shown === 'outside' || (shown ?? null) !== entry) {
          process.entries.delete(address);
        }
      }
    }
  }

  /** Drops trees that nothing reaches any more (I1). */
  dropDeadTrees(): void {
    const alive = new Set<Tree>();
    for (const vmo of this.vmos) {
      for (let tree: Tree | null = vmo.tree; tree !== null; tree = tree.parent) alive.add(tree);
    }
    for (const tree of this.trees) if (!alive.has(tree)) this.trees.delete(tree);
  }

  /** Every distinct page that a living tree holds: the frames in OBJECT state. */
  allPages(): Set<Page> {
    const pages = new Set<Page>();
    for (const tree of this.trees) {
      for (const slot of tree.slots.values()) if (slot !== 'zero') pages.add(slot);
    }
    return pages;
  }
}
