/**
 * Random histories of made-up machines: forks, writes, shared files, KSM, mremap, swap, huge
 * pages, exits. Each step takes three numbers and does what they pick, or nothing where it does
 * not apply.
 */

import * as fc from 'fast-check';
import { anonymous, fileArea, Machine, Word, type Area, type Task } from './synthetic.js';

const SLOT_PAGES = 0x400;
const AREA_PAGES = 40;
const SLOTS = 6;
const TASKS_MAX = 7;

/** What a step does. */
export const STEPS = [
  'spawn', 'fork', 'fork', 'mapAnonymous', 'mapPrivateFile', 'mapSharedFile', 'mapMemfd', 'mapHuge',
  'write', 'write', 'write', 'read', 'read', 'drop', 'swapOut', 'merge', 'move', 'split',
  'unmap', 'grow', 'exit', 'outside',
] as const;

/** One step: what, and three numbers to pick with. */
export type Step = readonly [(typeof STEPS)[number], number, number, number];

/** Histories of 10 to 200 steps. */
export const histories: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(fc.constantFrom(...STEPS), fc.nat(997), fc.nat(997), fc.nat(997)),
  { minLength: 10, maxLength: 200, size: 'max' },
);

/** A machine that lives through a history. */
export class RandomMachine extends Machine {
  private nextPid = 100;
  private nextPfn = 5000;
  private nextSlot = 1;
  private readonly filePages = new Map<string, number>();
  private readonly zero = 77;

  /** Lives through a history; then the processes are put in some order. */
  live(steps: readonly Step[], order: number): this {
    const first = this.task(this.nextPid++, 1);
    first.areas.push(anonymous(SLOT_PAGES, AREA_PAGES), fileArea(SLOT_PAGES * 2, 20, 10, 'rw-p'));
    for (let page = 0; page < 12; page++) {
      for (const area of first.areas) this.write(first, area, area.start + page);
    }
    for (const [what, a, b, c] of steps) this.step(what, a, b, c);
    if (order % 3 === 1) this.tasks.reverse();
    if (order % 3 === 2) this.tasks.sort((x, y) => (x.pid % 5) - (y.pid % 5) || x.pid - y.pid);
    this.dropUnusedFrames(order);
    return this;
  }

  private step(what: Step[0], a: number, b: number, c: number): void {
    if (what === 'spawn' || this.tasks.length === 0) {
      if (this.tasks.length < TASKS_MAX) this.task(this.nextPid++, 1 + (a % 3));
      return;
    }
    const task = this.tasks[a % this.tasks.length] as Task;
    switch (what) {
      case 'fork':
        if (this.tasks.length < TASKS_MAX) this.fork(task, this.nextPid++);
        break;
      case 'exit':
        this.exit(task);
        break;
      case 'mapAnonymous':
        this.map(task, b, (at) => anonymous(at, 1 + (c % AREA_PAGES), c % 4 === 0 ? '[heap]' : ''));
        break;
      case 'mapPrivateFile':
        this.map(task, b, (at) => fileArea(at, 1 + (c % 20), 10 + (c % 2), 'rw-p', c % 8));
        break;
      case 'mapSharedFile':
        this.map(task, b, (at) => fileArea(at, 1 + (c % 20), 10 + (c % 2), 'r--s', c % 8));
        break;
      case 'mapMemfd':
        this.map(task, b, (at) => ({ ...fileArea(at, 1 + (c % 20), 20, 'rw-s'), dev: '00:01' }));
        break;
      case 'mapHuge':
        this.map(task, b, (at) => ({ ...anonymous(at, 8), dev: '00:0f', ino: 30, perms: 'rw-s' }));
        break;
      default:
        this.onPage(what, task, b, c);
    }
  }

  private onPage(what: Step[0], task: Task, b: number, c: number): void {
    const area = task.areas[b % Math.max(1, task.areas.length)];
    if (!area) return;
    const vpn = area.start + (c % area.pages);
    if (what === 'write') for (let i = 0; i < 1 + (b % 9); i++) this.write(task, area, vpn + i);
    if (what === 'read') for (let i = 0; i < 1 + (b % 9); i++) this.read(task, area, vpn + i);
    if (what === 'drop') task.entries.delete(vpn);
    if (what === 'swapOut') this.swapOut(task, vpn);
    if (what === 'merge') this.merge(task, vpn, this.tasks[b % this.tasks.length] as Task, c);
    if (what === 'move') this.move(task, area, b);
    if (what === 'split') split(task, area, c);
    if (what === 'unmap') unmap(task, area, c);
    if (what === 'grow') grow(task, area);
    if (what === 'outside') this.shareOutside(task, vpn, 1 + (b % 3));
  }

  private map(task: Task, slot: number, make: (start: number) => Area): void {
    const start = (1 + (slot % SLOTS)) * SLOT_PAGES + 8;
    const area = make(start);
    if (!taken(task, start, area.pages)) task.areas.push(area);
  }

  private inside(area: Area, vpn: number): boolean {
    return vpn >= area.start && vpn < area.start + area.pages;
  }

  private filePage(area: Area, vpn: number): number {
    const key = `${area.dev} ${area.ino} ${vpn - area.start + area.offset}`;
    let pfn = this.filePages.get(key);
    if (pfn === undefined || !this.frames.has(pfn)) {
      const word = area.ino === 30 ? Word.HUGETLB & ~(1n << 12n) : Word.FILE;
      pfn = this.frame(this.newPfn(), area.ino === 20 ? Word.SHMEM : word, vpn % 4 === 0 ? 2 : 0);
      this.filePages.set(key, pfn);
    }
    return pfn;
  }

  /** PFNs that go up, down and apart, so that runs of every kind come up. */
  private newPfn(): number {
    this.nextPfn++;
    if (this.nextPfn % 7 === 0) this.nextPfn += 3;
    const { nextPfn } = this;
    return nextPfn % 64 < 32 ? nextPfn : 2 * (nextPfn - (nextPfn % 64)) + 95 - nextPfn + 100000;
  }

  private read(task: Task, area: Area, vpn: number): void {
    if (!this.inside(area, vpn) || task.entries.has(vpn)) return;
    if (area.ino !== 0) task.entries.set(vpn, { pfn: this.filePage(area, vpn) });
    else {
      if (!this.frames.has(this.zero)) this.frame(this.zero, Word.ZERO);
      task.entries.set(vpn, { pfn: this.zero });
    }
  }

  private write(task: Task, area: Area, vpn: number): void {
    if (!this.inside(area, vpn)) return;
    const entry = task.entries.get(vpn);
    if (area.perms.endsWith('s')) {
      if (!entry) task.entries.set(vpn, { pfn: this.filePage(area, vpn) });
      return;
    }
    if (entry && 'pfn' in entry) {
      const { flags } = this.frames.get(entry.pfn) ?? { flags: 0n };
      const own = (flags & Word.ANON) === Word.ANON && flags !== Word.KSM;
      if (own && this.holders(entry.pfn) === 1) return;
    }
    task.entries.set(vpn, { pfn: this.frame(this.newPfn(), Word.ANON) });
  }

  private isAnonymous(task: Task, vpn: number): number {
    const entry = task.entries.get(vpn);
    if (!entry || !('pfn' in entry)) return -1;
    const frame = this.frames.get(entry.pfn);
    return frame && (frame.flags & Word.ANON) === Word.ANON ? entry.pfn : -1;
  }

  private swapOut(task: Task, vpn: number): void {
    const pfn = this.isAnonymous(task, vpn);
    if (pfn < 0) return;
    const swap = 1 + 32 * this.nextSlot++;
    for (const { entries } of this.tasks) {
      for (const [page, entry] of entries) {
        if ('pfn' in entry && entry.pfn === pfn) entries.set(page, { swap });
      }
    }
  }

  private merge(task: Task, vpn: number, other: Task, pick: number): void {
    const pfn = this.isAnonymous(task, vpn);
    const pages = [...other.entries.keys()];
    const candidates = pages.filter((page) => this.isAnonymous(other, page) >= 0);
    const page = candidates[pick % Math.max(1, candidates.length)];
    if (pfn < 0 || page === undefined) return;
    (this.frames.get(pfn) as { flags: bigint }).flags = Word.KSM;
    other.entries.set(page, { pfn });
  }

  private move(task: Task, area: Area, slot: number): void {
    const start = (1 + (slot % SLOTS)) * SLOT_PAGES + 0x100;
    if (taken(task, start, area.pages)) return;
    for (let i = 0; i < area.pages; i++) {
      const entry = task.entries.get(area.start + i);
      task.entries.delete(area.start + i);
      if (entry) task.entries.set(start + i, entry);
    }
    area.start = start;
  }

  private shareOutside(task: Task, vpn: number, count: number): void {
    const entry = task.entries.get(vpn);
    const frame = entry && 'pfn' in entry ? this.frames.get(entry.pfn) : undefined;
    if (frame && frame.flags !== Word.ZERO) frame.outside += count;
  }

  private exit(task: Task): void {
    if (this.tasks.length < 2) return;
    this.tasks.splice(this.tasks.indexOf(task), 1);
    for (const other of this.tasks) if (other.ppid === task.pid) other.ppid = 1;
  }

  /** Frames nobody maps may be listed all the same: two times out of three they are not. */
  private dropUnusedFrames(order: number): void {
    if (order % 3 === 0) return;
    for (const pfn of [...this.frames.keys()]) if (this.holders(pfn) === 0) this.frames.delete(pfn);
  }
}

/** Whether a task has an area in a range. */
function taken(task: Task, start: number, pages: number): boolean {
  return task.areas.some((area) => area.start < start + pages && start < area.start + area.pages);
}

/** mprotect in the middle: two areas of the same pages. */
function split(task: Task, area: Area, at: number): void {
  const pages = at % area.pages;
  if (pages === 0) return;
  const rest = { ...area, start: area.start + pages, pages: area.pages - pages };
  rest.offset = area.ino === 0 ? 0 : area.offset + pages;
  area.pages = pages;
  task.areas.push(rest);
}

/** Takes the front of an area away. */
function unmap(task: Task, area: Area, at: number): void {
  const pages = at % area.pages;
  for (let i = 0; i < pages; i++) task.entries.delete(area.start + i);
  area.start += pages;
  area.pages -= pages;
  if (area.ino !== 0) area.offset += pages;
}

/** Grows an anonymous area downwards, as a stack does. */
function grow(task: Task, area: Area): void {
  const start = area.start - 3;
  if (area.ino !== 0 || taken(task, start, 3)) return;
  area.start = start;
  area.pages += 3;
}
