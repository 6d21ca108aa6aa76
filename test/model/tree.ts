/**
 * Pages and page trees of the model, in the slowest and plainest form.
 *
 * A tree is a Map from page number to slot. A snapshot is an eager copy of the Map: both trees then
 * hold the very same Page objects, and a page is shared because two Maps hold it. Nothing else is
 * stored about sharing: no counts, no hidden nodes.
 *
 * I1. A slot holds a Page, or `'zero'`: "reads as zero, whatever a live parent has".
 * I2. Only trees with a live parent hold `'zero'` slots.
 * I3. No slot lies at or past `sizePages`.
 */

/** Bytes of a page. */
export const PAGE_BYTES = 4096;

/** One physical page. `bytes` null: all zero. */
export interface Page {
  readonly id: number;
  bytes: Uint8Array | null;
}

/** What a tree has at one page number. */
export type Slot = Page | 'zero';

/**
 * Kinds of trees: `file` stands for memory that a user pager or a file system fills, `physical` for
 * device memory, which has no pages.
 */
export type TreeKind = 'anonymous' | 'file' | 'physical';

/** One page tree: what a VMO that is no slice and no reference is made of. */
export interface Tree {
  readonly id: number;
  readonly kind: TreeKind;
  sizePages: number;
  readonly slots: Map<number, Slot>;
  /** Trees that came from one another by snapshots have the same number. */
  readonly family: number;
  /** Live parent: where a missing slot below `parentLimit` is looked up. */
  readonly parent: Tree | null;
  readonly parentOffset: number;
  parentLimit: number;
  /** Pins by page number. */
  readonly pins: Map<number, number>;
}

let pagesMade = 0;

/** A new page, zero or a copy of `source`. */
export const newPage = (source?: Page): Page => ({
  id: ++pagesMade,
  bytes: source?.bytes ? source.bytes.slice() : null,
});

/** The page that `tree` shows at `page`, its own or a live parent's; undefined reads as zero. */
export const lookup = (tree: Tree, page: number): Page | undefined => {
  const slot = tree.slots.get(page);
  if (slot === 'zero') return undefined;
  if (slot !== undefined) return slot;
  if (tree.parent === null || page >= tree.parentLimit) return undefined;
  return lookup(tree.parent, page + tree.parentOffset);
};

/** The tree's own page at `page`, not a parent's. */
export const ownPage = (tree: Tree, page: number): Page | undefined => {
  const slot = tree.slots.get(page);
  return slot === 'zero' ? undefined : slot;
};

/** Sets bytes of a page, making its content if it was all zero. */
export const setBytes = (page: Page, at: number, data: Uint8Array): void => {
  page.bytes ??= new Uint8Array(PAGE_BYTES);
  page.bytes.set(data, at);
};

/** Copies `length` bytes at `at` of a page (undefined: zeros) into `out`. */
export const getBytes = (page: Page | undefined, at: number, length: number): Uint8Array =>
  page?.bytes ? page.bytes.slice(at, at + length) : new Uint8Array(length);
