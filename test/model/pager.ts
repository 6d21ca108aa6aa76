/**
 * A pager's VMO and its clones in the slowest form: a Map of pages for each, requests predicted
 * page by page.
 *
 * A page is two halves of 2048 bytes, and of each half the first word alone is kept.
 *
 * I1. A root's Map says what each page is; a page it does not name is absent.
 * I2. A clone's Map holds its own pages and `'zero'`; all else is its parent's, below `limit`.
 */

/** Why a call of the model fails. */
export class Refusal extends Error {
  constructor(readonly status: string) {
    super(status);
  }
}

const refuseIf = (wrong: boolean, status: string): void => {
  if (wrong) throw new Refusal(status);
};

/** First words of a page's halves. */
interface Page {
  halves: [number, number];
}
/** A root's page: there, or reading zero for a reason. */
type RootSlot =
  | { is: 'page'; page: Page; state: 'clean' | 'dirty' | 'cleaning'; pins: number }
  | { is: 'marker' | 'untracked' }
  | { is: 'zeros'; state: 'dirty' | 'cleaning' };

/** A VMO: the root, or a clone of it or of another clone. */
export interface Node {
  readonly parent: Node | null;
  readonly offset: number;
  limit: number;
  size: number;
  readonly own: Map<number, Page | 'zero'>;
  /** Clones that came from one another by snapshots. */
  readonly family: { leaves: number };
}

/** What is done with pages. */
export type Use = 'read' | 'commit' | 'write' | 'zero';
/** A request as the pager sees it. */
export interface Request {
  readonly command: 'READ' | 'DIRTY';
  readonly page: number;
  readonly pages: number;
}
/** How the pager answers: the whole run, its first page, with an error, or not. */
export type Answer = 'all' | 'first' | 'fail' | 'nothing';

/** Word that the pager supplies for a page; every fifth is zeros without a page. */
export const suppliedWord = (page: number): number | null =>
  page % 5 === 4 ? null : 1000 + page;

/** The pager's VMO and its clones. */
export class PagerModel {
  readonly root: Node;
  readonly slots = new Map<number, RootSlot>();
  streamHalves: number;
  detached = false;
  modified = false;
  clones: Node[] = [];
  requests: Request[] = [];
  answer: Answer = 'all';

  constructor(size: number, readonly traps: boolean) {
    this.root = { parent: null, offset: 0, limit: 0, size, own: new Map(), family: { leaves: 1 } };
    this.streamHalves = size * 2;
  }

  /** What the pager has to be asked before a page is used, and its number in the root. */
  #need(node: Node, page: number, use: Use): { command: Request['command']; page: number } | null {
    let at = page;
    for (let n: Node = node; n.parent !== null; n = n.parent) {
      if (n.own.has(at) || at >= n.limit) return null;
      at += n.offset;
    }
    const slot = this.slots.get(at);
    if (slot === undefined) return { command: 'READ', page: at };
    if (node !== this.root || !this.traps || use === 'read') return null;
    if (slot.is === 'page') {
      const asks = slot.state !== 'dirty' && (use === 'write' || use === 'zero');
      return asks ? { command: 'DIRTY', page: at } : null;
    }
    const asks = use === 'write' || (use === 'commit' && slot.is === 'zeros');
    return asks ? { command: 'DIRTY', page: at } : null;
  }

  /** Asks until pages can be used. */
  #ready(node: Node, ranges: [first: number, end: number, use: Use][]): void {
    for (;;) {
      let asked = false;
      for (const [first, end, use] of ranges) {
        for (let page = first; page < end && !asked; page++) {
          const need = this.#need(node, page, use);
          if (need === null) continue;
          let pages = 1;
          while (page + pages < end && this.#need(node, page + pages, use)?.command === need.command
          ) pages++;
          this.#ask({ command: need.command, page: need.page, pages });
          refuseIf(this.#need(node, page, use)?.command === need.command, 'ZX_ERR_TIMED_OUT');
          asked = true;
        }
        if (asked) break;
      }
      if (!asked) return;
    }
  }

  #ask(request: Request): void {
    refuseIf(this.detached, 'ZX_ERR_BAD_STATE');
    this.requests.push(request);
    refuseIf(this.answer === 'fail', 'ZX_ERR_IO');
    if (this.answer === 'nothing') return;
    const pages = this.answer === 'first' ? 1 : request.pages;
    if (request.command === 'READ') this.supply(request.page, pages);
    else this.allowDirty(request.page, pages);
  }

  #inside(node: Node, end: number): void {
    refuseIf(end > node.size, 'ZX_ERR_OUT_OF_RANGE');
  }

  supply(page: number, pages: number): void {
    this.#inside(this.root, page + pages);
    refuseIf(this.detached, 'ZX_ERR_BAD_STATE');
    for (let at = page; at < page + pages; at++) {
      if (this.slots.has(at)) continue;
      const word = suppliedWord(at);
      if (word === null) this.slots.set(at, { is: 'marker' });
      else this.slots.set(at, { is: 'page', page: { halves: [word, 0] }, state: 'clean', pins: 0 });
    }
  }

  allowDirty(page: number, pages: number): void {
    refuseIf(!this.traps, 'ZX_ERR_NOT_SUPPORTED');
    this.#inside(this.root, page + pages);
    refuseIf(this.detached, 'ZX_ERR_BAD_STATE');
    for (let at = page; at < page + pages; at++) {
      refuseIf(!this.slots.has(at), 'ZX_ERR_NOT_FOUND');
    }
    for (let at = page; at < page + pages; at++) this.#rootPage(at).state = 'dirty';
  }

  /** The root's page, made where it reads zero. */
  #rootPage(at: number): RootSlot & { is: 'page' } {
    const slot = this.slots.get(at)!;
    if (slot.is === 'page') return slot;
    const state = slot.is === 'zeros' ? 'dirty' as const : 'clean' as const;
    const made = { is: 'page' as const, page: { halves: [0, 0] as [number, number] }, state,
      pins: 0 };
    this.slots.set(at, made);
    return made;
  }

  /** What a VMO shows at a page; undefined reads zero. */
  seen(node: Node, page: number): Page | undefined {
    let at = page;
    for (let n: Node = node; n.parent !== null; n = n.parent) {
      const own = n.own.get(at);
      if (own !== undefined) return own === 'zero' ? undefined : own;
      if (at >= n.limit) return undefined;
      at += n.offset;
    }
    const slot = this.slots.get(at);
    return slot?.is === 'page' ? slot.page : undefined;
  }

  /** Whether a read of the page would ask the pager. */
  isAbsent(node: Node, page: number): boolean {
    return this.#need(node, page, 'read') !== null;
  }

  /** VMOs that hold a page. */
  holders(page: Page): number {
    const all = this.clones.map((n) => [...n.own.values()]);
    const roots = [...this.slots.values()].map((s) => (s.is === 'page' ? s.page : 'zero'));
    return [...all, roots].filter((pages) => pages.includes(page)).length;
  }

  /** The VMO's own page, copied from what it sees where others hold that. */
  #fork(node: Node, page: number): Page {
    if (node === this.root) return this.#rootPage(page).page;
    const own = node.own.get(page);
    if (own !== undefined && own !== 'zero' && this.holders(own) === 1) return own;
    const made: Page = { halves: [...(this.seen(node, page)?.halves ?? [0, 0])] };
    node.own.set(page, made);
    return made;
  }

  write(node: Node, from: number, to: number, value: number): void {
    const [first, end] = [from >> 1, (to + 1) >> 1];
    this.#inside(node, to / 2);
    if (from === to) return;
    this.#ready(node, [[first, end, 'write']]);
    for (let half = from; half < to; half++) this.#fork(node, half >> 1).halves[half & 1] = value;
    if (node !== this.root) return;
    for (let page = first; page < end; page++) this.#rootPage(page).state = 'dirty';
    this.modified = true;
  }

  read(node: Node, from: number, to: number): number[] {
    this.#inside(node, to / 2);
    if (from === to) return [];
    this.#ready(node, [[from >> 1, (to + 1) >> 1, 'read']]);
    const words: number[] = [];
    for (let half = from; half < to; half++) {
      words.push(this.seen(node, half >> 1)?.halves[half & 1] ?? 0);
    }
    return words;
  }

  prefetch(node: Node, first: number, pages: number): void {
    this.#inside(node, first + pages);
    this.#ready(node, [[first, first + pages, 'read']]);
  }

  commit(node: Node, first: number, pages: number): void {
    this.#inside(node, first + pages);
    this.#ready(node, [[first, first + pages, 'commit']]);
    for (let page = first; page < first + pages; page++) this.#fork(node, page);
  }

  zero(node: Node, from: number, to: number): void {
    this.#inside(node, to / 2);
    if (from === to) return;
    const uses: [number, number, Use][] = [from, to].filter((half) => half % 2 === 1)
      .map((half) => [half >> 1, (half >> 1) + 1, 'zero']);
    if (node === this.root) {
      for (let page = from >> 1; page < (to + 1) >> 1; page++) {
        const first = page;
        while (page < (to + 1) >> 1 && this.#isPinned(page)) page++;
        if (first < page) uses.push([first, page, 'zero']);
      }
    }
    this.#ready(node, uses);
    for (let half = from; half < to; half++) {
      const page = half >> 1;
      const whole = half % 2 === 0 && half + 1 < to;
      if (whole) {
        if (node === this.root) this.#zeroRootPage(page);
        else if (page < node.limit) node.own.set(page, 'zero');
        else node.own.delete(page);
        half++;
      } else if (this.seen(node, page) !== undefined) {
        this.#fork(node, page).halves[half & 1] = 0;
        if (node === this.root) this.#rootPage(page).state = 'dirty';
      }
    }
    if (node === this.root) this.modified = true;
  }

  #isPinned(page: number): boolean {
    const slot = this.slots.get(page);
    return slot?.is === 'page' && slot.pins > 0;
  }

  #zeroRootPage(page: number): void {
    const slot = this.slots.get(page);
    if (slot?.is === 'page' && slot.pins > 0) {
      slot.page.halves = [0, 0];
      slot.state = 'dirty';
    } else if (slot?.is !== 'marker' && slot?.is !== 'zeros') {
      this.slots.set(page, { is: 'zeros', state: 'dirty' });
    }
  }

  pin(first: number, pages: number): void {
    this.#inside(this.root, first + pages);
    refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
    this.#ready(this.root, [[first, first + pages, 'commit']]);
    for (let at = first; at < first + pages; at++) this.#rootPage(at).pins += 1;
  }

  unpin(first: number, pages: number): void {
    for (let at = first; at < first + pages; at++) this.#rootPage(at).pins -= 1;
  }

  clone(parent: Node, modified: boolean, offset: number, size: number): void {
    const isHidden = parent.family.leaves > 1;
    const live = parent === this.root || (!modified && !isHidden);
    const chained = parent.parent !== null && parent.parent.parent !== null;
    refuseIf(!live && chained, 'ZX_ERR_NOT_SUPPORTED');
    if (live) {
      const limit = Math.max(0, Math.min(size, parent.size - offset));
      const family = { leaves: 1 };
      this.clones.push({ parent, offset, limit, size, own: new Map(), family });
      return;
    }
    const own = new Map<number, Page | 'zero'>();
    for (const [page, slot] of parent.own) {
      if (page >= offset && page < offset + size) own.set(page - offset, slot);
    }
    const limit = Math.max(0, Math.min(parent.limit, offset + size, parent.size) - offset);
    parent.family.leaves += 1;
    const { family } = parent;
    this.clones.push({
      parent: parent.parent, offset: parent.offset + offset, limit, size, own, family,
    });
  }

  close(index: number): void {
    const [gone] = this.clones.splice(index, 1);
    gone!.family.leaves -= 1;
  }

  setSize(halves: number): void {
    const { root } = this;
    const size = (halves + 1) >> 1;
    const pinned = [...this.slots].some(([at, s]) => at >= size && s.is === 'page' && s.pins > 0);
    refuseIf(pinned, 'ZX_ERR_BAD_STATE');
    const tail = halves % 2 === 1 && halves < this.streamHalves && halves < root.size * 2;
    if (tail) {
      this.#ready(root, [[halves >> 1, (halves >> 1) + 1, 'zero']]);
      const slot = this.slots.get(halves >> 1);
      if (slot?.is === 'page') {
        slot.page.halves[1] = 0;
        slot.state = 'dirty';
      }
    }
    for (let at = root.size; at < size; at++) this.slots.set(at, { is: 'zeros', state: 'dirty' });
    for (const at of [...this.slots.keys()]) if (at >= size) this.slots.delete(at);
    for (const clone of this.clones) {
      if (clone.parent === root) {
        clone.limit = Math.max(0, Math.min(clone.limit, size - clone.offset));
      }
    }
    root.size = size;
    this.streamHalves = halves;
    this.modified = true;
  }

  /** First page that is not of a zero interval which began before `first`. */
  #pastInterval(first: number, end: number): number {
    const inside = (at: number): boolean => this.slots.get(at)?.is === 'zeros';
    let at = first;
    if (first > 0 && inside(first - 1)) while (at < end && inside(at)) at++;
    return at;
  }

  writebackBegin(first: number, pages: number, zeros: boolean): void {
    this.#inside(this.root, first + pages);
    const from = this.#pastInterval(first, first + pages);
    for (let at = first; at < first + pages; at++) {
      const slot = this.slots.get(at);
      const isPage = slot?.is === 'page' && slot.pins === 0 && !zeros;
      if (isPage && slot.state === 'dirty') slot.state = 'cleaning';
      if (slot?.is === 'zeros' && at >= from) slot.state = 'cleaning';
    }
  }

  writebackEnd(first: number, pages: number): void {
    this.#inside(this.root, first + pages);
    const from = this.#pastInterval(first, first + pages);
    for (let at = first; at < first + pages; at++) {
      const slot = this.slots.get(at);
      if (slot?.is === 'page' && slot.state === 'cleaning') slot.state = 'clean';
      if (slot?.is === 'zeros' && slot.state === 'cleaning' && at >= from) this.slots.delete(at);
    }
  }

  evict(first: number, pages: number): number {
    this.#inside(this.root, first + pages);
    let gone = 0;
    for (let at = first; at < first + pages; at++) {
      const slot = this.slots.get(at);
      if (slot?.is !== 'page' || slot.state !== 'clean' || slot.pins > 0) continue;
      this.slots.delete(at);
      gone++;
    }
    return gone;
  }

  detach(): void {
    if (this.detached) return;
    this.detached = true;
    this.evict(0, this.root.size);
    for (const [at, slot] of [...this.slots]) if (slot.is === 'marker') this.slots.delete(at);
  }

  /** Runs that are not clean: `first+pages`, with `z` for zeros. */
  dirtyRanges(): string[] {
    const kind = (at: number): string => {
      const slot = this.slots.get(at);
      if (slot?.is === 'zeros') return 'z';
      return slot?.is === 'page' && slot.state !== 'clean' ? 'p' : '';
    };
    const runs: string[] = [];
    for (let at = 0; at < this.root.size;) {
      const first = at;
      const what = kind(at);
      while (at < this.root.size && kind(at) === what) at++;
      if (what !== '') runs.push(`${first}+${at - first}${what === 'z' ? 'z' : ''}`);
    }
    return runs;
  }

  /** Pages that are a VMO's own, and what it pays for them in pages. */
  charge(node: Node): { pages: number; scaled: number } {
    const own = node === this.root
      ? [...this.slots.values()].flatMap((s) => (s.is === 'page' ? [s.page] : []))
      : [...node.own.values()].filter((slot) => slot !== 'zero');
    const scaled = own.reduce((sum, page) => sum + 1 / this.holders(page as Page), 0);
    return { pages: own.length, scaled };
  }

  /** Distinct pages. */
  frames(): number {
    const all = new Set<unknown>();
    for (const slot of this.slots.values()) if (slot.is === 'page') all.add(slot.page);
    for (const clone of this.clones) for (const own of clone.own.values()) all.add(own);
    all.delete('zero');
    return all.size;
  }
}
