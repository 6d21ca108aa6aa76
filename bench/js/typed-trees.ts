/**
 * The core's frames and page lists in typed arrays: the algorithm of `assembly/frames.ts`,
 * `nodes.ts` and `tree.ts` on columns over one SharedArrayBuffer, for single faults.
 *
 * Keys are below 2^31, so that plain number operations do.
 */

const FANOUT = 32;
const FANOUT_BITS = 5;
const HEIGHT_MAX = 7;
const ST_OBJECT = 4;

/** Hands out typed arrays over one shared buffer. */
export class Columns {
  readonly #buffer: SharedArrayBuffer;
  #at = 0;

  constructor(bytes: number) {
    this.#buffer = new SharedArrayBuffer(bytes);
  }

  words(n: number): Uint32Array {
    const column = new Uint32Array(this.#buffer, this.#at, n);
    this.#at += n * 4;
    return column;
  }
}

/** Frames, and nodes of page lists. */
export class Trees {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly c: Uint32Array;
  readonly d: Uint32Array;
  readonly slots: Uint32Array;
  readonly refs: Uint32Array;
  readonly mask: Uint32Array;
  readonly count: Uint32Array;
  readonly origin: Uint32Array;
  readonly path = new Int32Array(2 * (HEIGHT_MAX + 1));
  pathTree = -1;
  pathLeaf = -1;
  freeFrame = 0;
  bumpFrame = 1;
  framesInUse = 0;
  freeNode = 0;
  bumpNode = 1;

  constructor(columns: Columns, readonly frames: number, nodes: number) {
    this.a = columns.words(frames + 1);
    this.b = columns.words(frames + 1);
    this.c = columns.words(frames + 1);
    this.d = columns.words(frames + 1);
    this.slots = columns.words(nodes * FANOUT);
    this.refs = columns.words(nodes);
    this.mask = columns.words(nodes);
    this.count = columns.words(nodes);
    this.origin = columns.words(nodes);
  }

  reset(): void {
    this.freeFrame = 0;
    this.bumpFrame = 1;
    this.framesInUse = 0;
    this.freeNode = 0;
    this.bumpNode = 1;
    this.pathTree = -1;
  }

  takeFrame(): number {
    this.framesInUse++;
    const free = this.freeFrame;
    if (free !== 0) {
      this.freeFrame = this.c[free] as number;
      return free;
    }
    return this.bumpFrame++;
  }

  #takeNode(): number {
    const free = this.freeNode;
    if (free === 0) return this.bumpNode++;
    this.freeNode = this.origin[free] as number;
    return free;
  }

  #newNode(): number {
    const node = this.#takeNode();
    this.slots.fill(0, node * FANOUT, node * FANOUT + FANOUT);
    this.refs[node] = 1;
    this.mask[node] = 0;
    this.count[node] = 0;
    this.origin[node] = 0;
    return node;
  }

  #copyNode(old: number, height: number): number {
    const node = this.#takeNode();
    const { slots } = this;
    const counts = height === 1 ? this.a : this.refs;
    let mask = 0;
    for (let i = 0; i < FANOUT; i++) {
      const slot = slots[old * FANOUT + i] as number;
      slots[node * FANOUT + i] = slot;
      if (slot === 0) continue;
      mask |= 1 << i;
      counts[slot] = (counts[slot] as number) + 1;
    }
    this.refs[node] = 1;
    this.mask[node] = mask;
    this.count[node] = this.count[old] as number;
    const first = this.origin[old] as number;
    this.origin[node] = first !== 0 && this.refs[first] !== 0 ? first : old;
    this.mask[old] = mask;
    this.refs[old] = (this.refs[old] as number) - 1;
    return node;
  }

  /** The leaf for a key, every node on the way owned by this tree alone. */
  exclusiveLeaf(tree: Tree, id: number, key: number): number {
    if (this.pathTree === id && this.pathLeaf === key >>> FANOUT_BITS) {
      return this.path[2] as number;
    }
    this.#growTo(tree, key);
    const { path } = this;
    let node = tree.root;
    if (this.refs[node] !== 1) {
      node = this.#copyNode(node, tree.height);
      tree.root = node;
    }
    for (let h = tree.height; h > 1; h--) {
      const i = (key >>> ((h - 1) * FANOUT_BITS)) & (FANOUT - 1);
      path[2 * h] = node;
      path[2 * h + 1] = i;
      node = this.#exclusiveChild(node, i, h - 1);
    }
    path[2] = node;
    this.pathTree = id;
    this.pathLeaf = key >>> FANOUT_BITS;
    return node;
  }

  #growTo(tree: Tree, key: number): void {
    const height = Math.max(1, Math.ceil((32 - Math.clz32(key)) / FANOUT_BITS));
    if (tree.root === 0) {
      tree.root = this.#newNode();
      tree.height = height;
      return;
    }
    while (tree.height < height) {
      const below = tree.root;
      const top = this.#newNode();
      this.slots[top * FANOUT] = below;
      this.count[top] = this.count[below] as number;
      this.mask[top] = Number((this.refs[below] as number) > 1 || this.mask[below] !== 0);
      tree.root = top;
      tree.height++;
    }
  }

  #exclusiveChild(node: number, i: number, height: number): number {
    const at = node * FANOUT + i;
    const child = this.slots[at] as number;
    if (child === 0) {
      const made = this.#newNode();
      this.slots[at] = made;
      return made;
    }
    if (this.refs[child] === 1) return child;
    const copy = this.#copyNode(child, height);
    this.slots[at] = copy;
    if (this.mask[copy] !== 0) this.mask[node] = (this.mask[node] as number) | (1 << i);
    return copy;
  }

  /** Counts of the last path, and mask bits that stand for nothing shared any more. */
  #settlePath(height: number, added: number): void {
    const { path, count, mask } = this;
    const leaf = path[2] as number;
    count[leaf] = (count[leaf] as number) + added;
    let clean = mask[leaf] === 0;
    for (let h = 2; h <= height; h++) {
      const node = path[2 * h] as number;
      if (added !== 0) count[node] = (count[node] as number) + added;
      else if (!clean) return;
      if (!clean) continue;
      const old = mask[node] as number;
      const now = (old & ~(1 << (path[2 * h + 1] as number))) >>> 0;
      if (added === 0 && now === old) return;
      mask[node] = now;
      clean = now === 0;
    }
  }

  /** Makes one page the tree's own: its frame. */
  commit(tree: Tree, id: number, key: number): number {
    const leaf = this.exclusiveLeaf(tree, id, key);
    const i = key & (FANOUT - 1);
    const at = leaf * FANOUT + i;
    const slot = this.slots[at] as number;
    let mask = this.mask[leaf] as number;
    let added = 0;
    if (slot !== 0) {
      if (((mask >>> i) & 1) === 0) return slot;
      mask = (mask & ~(1 << i)) >>> 0;
      this.mask[leaf] = mask;
      const refs = this.a[slot] as number;
      if (refs === 1) {
        if (mask === 0) this.#settlePath(tree.height, 0);
        return slot;
      }
      this.a[slot] = refs - 1;
    } else added = 1;
    const frame = this.takeFrame();
    this.a[frame] = 1;
    this.b[frame] = ST_OBJECT | ((key >>> 22) << 18);
    this.c[frame] = id & 0xfff;
    this.d[frame] = ((id >>> 12) << 22) | (key & 0x3fffff);
    this.slots[at] = frame;
    if (added !== 0 || mask === 0) this.#settlePath(tree.height, added);
    return frame;
  }
}

/** A page list: its root node, 0 for none, and height. */
export interface Tree {
  root: number;
  height: number;
}
