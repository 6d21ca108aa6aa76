/**
 * What one would write first: classes, and a Map wherever something is found by number. The same
 * steps as the core's (first touch, hit, snapshot, copy-on-write), metadata only, and no more than
 * they need: no reservations, no accounting, no limits but the number of frames.
 *
 * A snapshot gives the pages so far to a hidden VMO that both then look through; a write copies.
 */

/** A physical page. */
class Frame {
  state = 'object';
  references = 1;

  constructor(readonly number: number, readonly owner: Vmo, readonly page: number) {}
}

/** A page-table entry. */
class Entry {
  accessed = true;
  dirty = false;

  constructor(public frame: Frame, public writable: boolean) {}
}

/** A VMO. */
export class Vmo {
  readonly pages = new Map<number, Frame>();
  readonly mappings: Mapping[] = [];
  parent: Vmo | null = null;

  constructor(public size: number) {}

  /** The frame seen at a page, through all ancestors. */
  lookup(page: number): Frame | undefined {
    let vmo: Vmo | null = this.parent;
    while (vmo !== null) {
      const frame = vmo.pages.get(page);
      if (frame !== undefined) return frame;
      vmo = vmo.parent;
    }
    return undefined;
  }
}

/** Pages of a VMO in an address space. */
class Mapping {
  constructor(
    readonly space: Space, readonly vmo: Vmo, readonly base: number, readonly pages: number,
    readonly offset: number,
  ) {}
}

/** An address space. */
export class Space {
  readonly entries = new Map<number, Entry>();
  readonly mappings: Mapping[] = [];

  /** The mapping that covers a virtual page. */
  find(page: number): Mapping | undefined {
    return this.mappings.find((m) => page >= m.base && page < m.base + m.pages);
  }
}

/** A system of objects. */
export class ObjectsSystem {
  #next = 1;
  readonly #free: number[] = [];
  framesInUse = 0;

  constructor(readonly physicalPages: number) {}

  map(space: Space, vmo: Vmo, base: number, pages: number): void {
    const mapping = new Mapping(space, vmo, base, pages, 0);
    space.mappings.push(mapping);
    vmo.mappings.push(mapping);
  }

  #allocate(owner: Vmo, page: number): Frame {
    if (this.framesInUse === this.physicalPages) throw new Error('NO_MEMORY');
    this.framesInUse++;
    return new Frame(this.#free.pop() ?? this.#next++, owner, page);
  }

  /** A page fault. */
  fault(space: Space, page: number, write: boolean): void {
    const entry = space.entries.get(page);
    if (entry !== undefined && (entry.writable || !write)) {
      entry.accessed = true;
      if (write) entry.dirty = true;
      return;
    }
    const mapping = space.find(page);
    if (mapping === undefined) throw new Error('NOT_FOUND');
    const { vmo } = mapping;
    const index = page - mapping.base + mapping.offset;
    if (index >= vmo.size) throw new Error('OUT_OF_RANGE');
    let frame = vmo.pages.get(index);
    if (frame === undefined) {
      const seen = vmo.lookup(index);
      if (!write && seen !== undefined) {
        space.entries.set(page, new Entry(seen, false));
        return;
      }
      if (seen !== undefined) seen.references--;
      frame = this.#allocate(vmo, index);
      vmo.pages.set(index, frame);
    }
    if (entry === undefined) {
      space.entries.set(page, new Entry(frame, true));
      return;
    }
    entry.frame = frame;
    entry.writable = true;
    entry.dirty = write;
  }

  /** A copy-on-write child. */
  snapshot(vmo: Vmo): Vmo {
    const hidden = new Vmo(vmo.size);
    hidden.parent = vmo.parent;
    for (const [page, frame] of vmo.pages) {
      frame.references++;
      hidden.pages.set(page, frame);
    }
    vmo.pages.clear();
    vmo.parent = hidden;
    const child = new Vmo(vmo.size);
    child.parent = hidden;
    for (const { space, base, pages } of vmo.mappings) {
      for (const [page, entry] of space.entries) {
        if (page >= base && page < base + pages) entry.writable = false;
      }
    }
    return child;
  }
}
