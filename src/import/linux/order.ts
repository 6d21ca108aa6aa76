/**
 * The order of a snapshot's records:
 *
 *   snap meminfo vmstat text pmflags (proc map*)* kpageflags frames* [phys* physclass] end
 *
 * I1. A record that passed `step` stands in its place, and those it needs stood before it.
 */

import { shown } from '../errors.js';
import { fail, type Place } from './records.js';

/** Place of each kind; kinds of one place may alternate. */
const RANK: Readonly<Record<string, number>> = {
  snap: 0,
  meminfo: 1,
  vmstat: 2,
  text: 3,
  pmflags: 4,
  proc: 5,
  map: 5,
  kpageflags: 6,
  frames: 7,
  phys: 8,
  physclass: 9,
  end: 10,
};

/** Kinds that may come more than once. */
const MANY: ReadonlySet<string> = new Set(['proc', 'map', 'frames', 'phys']);

/** Kinds that nothing after them can be understood without. */
const NEEDED = ['snap', 'meminfo', 'pmflags', 'kpageflags'];

/** Follows the kinds of records as they come. */
export class RecordOrder {
  /** Kind of the last record; empty at the start. */
  last = '';
  private rank = -1;
  private readonly had = new Set<string>();

  /**
   * Takes the next record.
   *
   * @param kind - its `t`
   * @param place - file and line
   * @throws InputError: an unknown kind, out of order, twice, or without what it needs
   */
  step(kind: string, place: Place): void {
    const rank = Object.hasOwn(RANK, kind) ? (RANK[kind] as number) : undefined;
    if (rank === undefined) {
      const known = Object.keys(RANK).join(', ');
      return fail(place, `a record of kind ${shown(kind)}`, `one of ${known}`);
    }
    if (this.rank < 0 && kind !== 'snap') fail(place, `a ${kind} record`, 'a snap record first');
    if (rank < this.rank || (rank === this.rank && !MANY.has(kind))) {
      fail(place, `a ${kind} record after ${this.last}`, 'records in their order');
    }
    for (const needed of NEEDED) {
      if ((RANK[needed] as number) < rank && !this.had.has(needed)) {
        fail(place, `a ${kind} record`, `a ${needed} record before it`);
      }
    }
    this.had.add(kind);
    this.rank = rank;
    this.last = kind;
  }
}
