/**
 * The plan of a snapshot's VMOs, as families.ts makes it and build.ts follows it.
 */

import type { PageKinds, PageMap } from './pages.js';
import type { LinuxMapping } from './snapshot.js';

/** What a planned VMO is. */
export type PlanKind = 'file' | 'private' | 'anonymous';

/** Marks a page that shows the zero page, in `pages` of a file. */
export const ZERO_PAGE = -1;

/** A VMO to be built. */
export interface VmoPlan {
  /** Place in the order of appearance, from 0. */ readonly index: number;
  /** What it is. */ readonly kind: PlanKind;
  /** Path, `[heap]` and the like, or empty. Untrusted text. */ readonly name: string;
  /** Size in pages. */ sizePages: number;
  /** Virtual page that page 0 stands at: for private and anonymous VMOs. */ baseVpn: number;
  /** First virtual page past its end: for private and anonymous VMOs. */ endVpn: number;
  /** Mappings of it, by address; of a file, none are listed. */ readonly mappings: LinuxMapping[];
  /** Index of its process; -1 for a file. */ readonly process: number;
  /** Files: frame + 1 by page, or {@link ZERO_PAGE}. */ readonly pages?: PageMap;
  /** Private VMOs: the file below. */ readonly file?: VmoPlan;
  /** The VMO this one is a snapshot of, with differences. */ source?: VmoPlan;
}

/** The plan of all VMOs of a snapshot. */
export interface FamilyPlan {
  /** VMOs in the order of appearance. */ readonly vmos: readonly VmoPlan[];
  /** The same, each after its file and its source. */ readonly order: readonly VmoPlan[];
  /** VMO of each mapping. */ readonly vmoOf: readonly VmoPlan[];
  /** Kinds of the snapshot's pages. */ readonly kinds: PageKinds;
}

/**
 * Offset of a mapping in its VMO.
 *
 * @param vmo - its VMO
 * @param mapping - one of the VMO's mappings
 * @returns pages
 */
export function offsetIn(vmo: VmoPlan, mapping: LinuxMapping): number {
  return vmo.kind === 'file' ? mapping.offsetPages : mapping.startPage - vmo.baseVpn;
}
