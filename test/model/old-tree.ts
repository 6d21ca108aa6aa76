/**
 * The tree of the 2019-2023 kernels (reference text 3.2), for the numbers that only it gives: how
 * many pages snapshots cost, and which VMO is charged for each. Contents are not kept.
 *
 * I1. A hidden node has two children. A page in it that a side has its own copy of is split on that
 *     side; split on both it is gone.
 * I2. A write copies a page into every hidden node between its owner and the leaf, and into the
 *     leaf; where only one side sees it, it moves.
 * I3. A hidden node names a VMO that its pages are charged to: the original it was made from, and
 *     when that closes the other side's.
 */

interface OldPage {
  left: boolean;
  right: boolean;
}

interface OldNode {
  readonly name: string;
  size: number;
  pages: Map<number, OldPage>;
  parent: OldNode | null;
  offset: number;
  limit: number;
  /** Hidden nodes: their children. */
  left: OldNode | null;
  right: OldNode | null;
  /** Hidden nodes: whom their pages are charged to. */
  charged: string;
}

const node = (name: string, size: number): OldNode => ({
  name, size, pages: new Map(), parent: null, offset: 0, limit: 0, left: null, right: null,
  charged: name,
});

const isHidden = (one: OldNode): boolean => one.left !== null;
const childrenOf = (one: OldNode): OldNode[] =>
  [one.left, one.right].filter((child) => child !== null);
const otherChild = (hidden: OldNode, child: OldNode): OldNode =>
  (hidden.left === child ? hidden.right : hidden.left)!;
const replaceChild = (hidden: OldNode, child: OldNode, next: OldNode): void => {
  if (hidden.left === child) hidden.left = next;
  else hidden.right = next;
};

const leavesOf = (one: OldNode): string[] =>
  isHidden(one) ? childrenOf(one).flatMap(leavesOf) : [one.name];

/** Does this side have its own copy of the page? */
const isSplit = (hidden: OldNode, child: OldNode, page: OldPage): boolean =>
  hidden.left === child ? page.left : page.right;

/** Leaves below a node that see what its parent shows at `page` of the node. */
const viewersBelow = (one: OldNode, page: number): string[] => {
  if (!isHidden(one)) return [one.name];
  return childrenOf(one).flatMap((child) => viewersVia(child, page - child.offset));
};

const viewersVia = (child: OldNode, page: number): string[] =>
  page < 0 || page >= child.limit || child.pages.has(page) ? [] : viewersBelow(child, page);

/** The sides of a hidden node that see its page, with their leaves. */
const sidesOf = (hidden: OldNode, at: number): [OldNode, string[]][] => {
  const page = hidden.pages.get(at)!;
  const sides = childrenOf(hidden).filter((child) => !isSplit(hidden, child, page));
  return sides.map((child): [OldNode, string[]] => [child, viewersVia(child, at - child.offset)])
    .filter(([, leaves]) => leaves.length > 0);
};

/** All VMOs of one case. */
export class OldTree {
  readonly #leaves = new Map<string, OldNode>();

  /** A new VMO of so many pages. */
  create(name: string, size: number): void {
    this.#leaves.set(name, node(name, size));
  }

  /** Is there a VMO of this name? */
  has(name: string): boolean {
    return this.#leaves.has(name);
  }

  /** Pages of a VMO. */
  sizeOf(name: string): number {
    return this.#leaf(name).size;
  }

  /** A snapshot: the VMO's pages go into a hidden node above it and the child. */
  clone(of: string, name: string, offset: number, size: number): void {
    const leaf = this.#leaf(of);
    const hidden = node('', leaf.size);
    hidden.pages = leaf.pages;
    leaf.pages = new Map();
    [hidden.parent, hidden.offset, hidden.limit] = [leaf.parent, leaf.offset, leaf.limit];
    if (hidden.parent !== null) replaceChild(hidden.parent, leaf, hidden);
    const child = node(name, size);
    [leaf.parent, leaf.offset, leaf.limit] = [hidden, 0, leaf.size];
    const limit = Math.max(0, Math.min(size, leaf.size - offset));
    [child.parent, child.offset, child.limit] = [hidden, offset, limit];
    [hidden.left, hidden.right, hidden.charged] = [leaf, child, of];
    this.#leaves.set(name, child);
    this.#dropUnseen();
  }

  /** A write to one page. */
  write(name: string, page: number): void {
    const path: [OldNode, number][] = [];
    let [at, owner]: [number, OldNode] = [page, this.#leaf(name)];
    while (!owner.pages.has(at)) {
      path.push([owner, at]);
      if (owner.parent === null || at >= owner.limit) {
        this.#leaf(name).pages.set(page, { left: false, right: false });
        return;
      }
      at += owner.offset;
      owner = owner.parent;
    }
    for (const [next, nextAt] of path.reverse()) {
      this.#push(owner, at, next, nextAt);
      [owner, at] = [next, nextAt];
    }
    this.#dropUnseen();
  }

  /** A new size. */
  resize(name: string, size: number): void {
    const leaf = this.#leaf(name);
    for (const page of [...leaf.pages.keys()]) if (page >= size) leaf.pages.delete(page);
    leaf.size = size;
    leaf.limit = Math.min(leaf.limit, size);
    this.#dropUnseen();
  }

  /** The VMO ends: its sibling takes the hidden node's place. */
  close(name: string): void {
    const leaf = this.#leaf(name);
    this.#leaves.delete(name);
    for (let one = leaf; one.parent !== null; one = one.parent) {
      const { parent } = one;
      if (parent.charged === name) parent.charged = otherChild(parent, one).charged;
    }
    const hidden = leaf.parent;
    if (hidden === null) return;
    const heir = otherChild(hidden, leaf);
    for (const [at, page] of hidden.pages) {
      const mine = at - heir.offset;
      if (mine < 0 || mine >= heir.limit || heir.pages.has(mine)) continue;
      if (!isSplit(hidden, heir, page)) heir.pages.set(mine, { left: false, right: false });
    }
    if (hidden.parent !== null) replaceChild(hidden.parent, hidden, heir);
    heir.parent = hidden.parent;
    heir.limit = hidden.parent === null
      ? 0 : Math.max(0, Math.min(heir.limit, hidden.limit - heir.offset));
    heir.offset = hidden.parent === null ? 0 : heir.offset + hidden.offset;
    this.#dropUnseen();
  }

  /** Pages charged to each VMO. */
  charges(): Map<string, number> {
    const found = new Map([...this.#leaves.keys()].map((name) => [name, 0]));
    for (const one of this.#nodes()) {
      for (const at of one.pages.keys()) {
        const name = isHidden(one) ? this.#chargedFor(one, at) : one.name;
        found.set(name, found.get(name)! + 1);
      }
    }
    return found;
  }

  #leaf(name: string): OldNode {
    const leaf = this.#leaves.get(name);
    if (leaf === undefined) throw new Error(`no VMO ${name}`);
    return leaf;
  }

  /** One step of I2: from a node that has the page to the child on the way. */
  #push(owner: OldNode, at: number, next: OldNode, nextAt: number): void {
    const page = owner.pages.get(at)!;
    if (sidesOf(owner, at).length <= 1) owner.pages.delete(at);
    else if (owner.left === next) page.left = true;
    else page.right = true;
    next.pages.set(nextAt, { left: false, right: false });
  }

  #chargedFor(hidden: OldNode, at: number): string {
    const sides = sidesOf(hidden, at);
    const leaves = sides.flatMap(([, seen]) => seen);
    if (leaves.includes(hidden.charged)) return hidden.charged;
    let one = sides[0]![0];
    while (isHidden(one) && !leaves.includes(one.charged)) {
      one = childrenOf(one).find((child) => leavesOf(child).some((n) => leaves.includes(n)))!;
    }
    return one.charged;
  }

  #nodes(): Set<OldNode> {
    const found = new Set<OldNode>();
    for (const leaf of this.#leaves.values()) {
      for (let one: OldNode | null = leaf; one !== null; one = one.parent) found.add(one);
    }
    return found;
  }

  #dropUnseen(): void {
    for (const one of this.#nodes()) {
      if (!isHidden(one)) continue;
      for (const at of [...one.pages.keys()]) {
        if (sidesOf(one, at).length === 0) one.pages.delete(at);
      }
    }
  }
}
