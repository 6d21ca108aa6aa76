/**
 * Who is a VMO's parent, as users see it: when a VMO dies, its children are its parent's.
 *
 * I1. A lineage without an heir is a living VMO's, or the end of a line whose VMOs all died.
 * I2. Finding the living ancestor shortens the path for the next one, so closing chains of ten
 *     thousand, or parents of ten thousand, from any end costs next to nothing for each.
 */

import type { VmoObject } from './vmo-object.js';

/** One VMO's place among parents and children. */
export class Lineage {
  /** Links followed so far by all of them: work that tests count. */
  static linksFollowed = 0;
  #vmo: VmoObject | undefined;
  #heir: Lineage | undefined;

  /** @param vmo - the VMO whose place it is */
  constructor(vmo: VmoObject) {
    this.#vmo = vmo;
  }

  /** The VMO that children of this place belong to now; undefined when no ancestor is left. */
  living(): VmoObject | undefined {
    let end: Lineage = this as Lineage;
    while (end.#heir !== undefined) end = end.#heir;
    for (let at: Lineage = this as Lineage; at.#heir !== undefined; ) {
      const next: Lineage = at.#heir;
      at.#heir = end;
      at = next;
      Lineage.linksFollowed += 1;
    }
    return end.#vmo;
  }

  /**
   * The VMO died.
   *
   * @param heir - where its own parent stands
   */
  bequeath(heir: Lineage | undefined): void {
    this.#vmo = undefined;
    this.#heir = heir;
  }
}
