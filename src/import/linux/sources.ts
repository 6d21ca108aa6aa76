/**
 * Which earlier VMO each private or anonymous VMO was forked from, by frames in common.
 *
 * The parent process's VMO if it is recorded and has such frames at equal addresses, else the VMO
 * that was first to have them (an ancestor that is gone leaves brothers behind).
 *
 * I1. A source stands before its children in the order. I2. A source begins no later than they do.
 *
 * Cost: two or three walks over the pages of a process, about 10 ns a page and walk.
 */

import { forkOrder } from './forks.js';
import { PageCursor, PageKind, type PageKinds } from './pages.js';
import type { VmoPlan } from './plan.js';
import type { LinuxSnapshot } from './snapshot.js';

/** Finds sources, and puts VMOs into an order in which they can be built. */
export class SourceFinder {
  private readonly order: VmoPlan[] = [];
  /** First VMO that has each frame as its own: index + 1. */
  private readonly holder: Int32Array;
  private readonly byProcess: VmoPlan[][];

  /**
   * @param snapshot - the snapshot
   * @param kinds - kinds of its pages
   * @param vmos - all planned VMOs, by index
   */
  constructor(
    private readonly snapshot: LinuxSnapshot,
    private readonly kinds: PageKinds,
    private readonly vmos: readonly VmoPlan[],
  ) {
    this.holder = new Int32Array(snapshot.frames.count);
    this.byProcess = snapshot.processes.map(() => []);
  }

  /** Sets `source` of every VMO that has one; returns the VMOs in an order to build them in. */
  run(): readonly VmoPlan[] {
    for (const vmo of this.vmos) {
      if (vmo.kind === 'file') this.order.push(vmo);
      else this.byProcess[vmo.process]?.push(vmo);
      if (vmo.file) vmo.endVpn = vmo.baseVpn + vmo.file.sizePages;
      if (vmo.file) vmo.sizePages = vmo.file.sizePages;
    }
    const { order, parentOf } = forkOrder(this.snapshot);
    for (const process of order) {
      const parent = parentOf[process] as number;
      for (const vmo of this.byProcess[process] as VmoPlan[]) {
        const source = this.sourceOf(vmo, parent < 0 ? [] : (this.byProcess[parent] as VmoPlan[]));
        if (source) vmo.source = source;
        this.order.push(vmo);
      }
      for (const vmo of this.byProcess[process] as VmoPlan[]) this.hold(vmo);
    }
    for (const vmo of [...this.order].reverse()) this.widenSource(vmo);
    return this.order;
  }

  /** A snapshot cannot begin before its source: a source begins where its lowest child does. */
  private widenSource(vmo: VmoPlan): void {
    const { source } = vmo;
    if (!source || source.baseVpn <= vmo.baseVpn) return;
    source.baseVpn = vmo.baseVpn;
    source.sizePages = source.endVpn - source.baseVpn;
  }

  private sourceOf(vmo: VmoPlan, parents: readonly VmoPlan[]): VmoPlan | undefined {
    const own = new PageCursor(this.kinds, vmo.mappings, PageKind.OWN);
    if (!own.next()) return undefined;
    const near = parents.filter((other) => this.related(vmo, other));
    return this.best(vmo, near) ?? this.best(vmo, this.holders(vmo, own));
  }

  /** VMOs that were first to have this one's frames, most frames first. */
  private holders(vmo: VmoPlan, own: PageCursor): VmoPlan[] {
    const frames = new Map<number, number>();
    do {
      const holder = this.holder[own.frame] as number;
      if (holder !== 0) frames.set(holder, (frames.get(holder) ?? 0) + 1);
    } while (own.next());
    const found = [...frames].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 4);
    const others = found.map(([index]) => this.vmos[index - 1] as VmoPlan);
    return others.filter((other) => this.related(vmo, other));
  }

  /** The candidate with most frames in common at equal addresses; the first one of equals. */
  private best(vmo: VmoPlan, candidates: readonly VmoPlan[]): VmoPlan | undefined {
    let best: VmoPlan | undefined;
    let most = 0;
    for (const candidate of candidates) {
      const common = this.common(vmo, candidate, candidates.length === 1);
      if (common > most) [best, most] = [candidate, common];
    }
    return best;
  }

  /**
   * Frames two VMOs have at equal addresses. Of a private copy counts nothing if the source has a
   * page that the copy lacks: a snapshot of it could not be made to follow the file again.
   */
  private common(vmo: VmoPlan, other: VmoPlan, oneIsEnough: boolean): number {
    const mine = new PageCursor(this.kinds, vmo.mappings, PageKind.OWN);
    const theirs = new PageCursor(this.kinds, other.mappings, PageKind.OWN);
    let common = 0;
    mine.next();
    theirs.next();
    while (theirs.vpn < Infinity && (vmo.file || mine.vpn < Infinity)) {
      if (mine.vpn < theirs.vpn) mine.next();
      else if (mine.vpn > theirs.vpn) {
        if (vmo.file) return 0;
        theirs.next();
      } else {
        if (mine.frame === theirs.frame) common++;
        if (common > 0 && oneIsEnough && !vmo.file) return common;
        mine.next();
        theirs.next();
      }
    }
    return common;
  }

  private hold(vmo: VmoPlan): void {
    const own = new PageCursor(this.kinds, vmo.mappings, PageKind.OWN);
    while (own.next()) if (this.holder[own.frame] === 0) this.holder[own.frame] = vmo.index + 1;
  }

  /** True if one could be a snapshot of the other: overlapping memory, copies of one file. */
  private related(vmo: VmoPlan, other: VmoPlan): boolean {
    if (!vmo.file && !other.file) {
      return vmo.baseVpn < other.endVpn && other.baseVpn < vmo.endVpn;
    }
    return vmo.file === other.file && vmo.baseVpn === other.baseVpn && !this.hasZeroPages(other);
  }

  /** Zero pages in a private copy hide the file for whoever snapshots it. */
  private hasZeroPages(vmo: VmoPlan): boolean {
    return new PageCursor(this.kinds, vmo.mappings, PageKind.ZERO).next();
  }
}
