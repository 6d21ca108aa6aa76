/**
 * Which VMOs a snapshot has: a pure plan, made before the first object is built.
 *
 *   file      one for each dev:ino (and each kernel mapping such as [vdso]): what all see
 *   private   a live child of a file: one process's private copies, where it has any
 *   anonymous one for each mapping without a file
 *
 * Private and anonymous VMOs of forked processes have frames in common at equal addresses. Each
 * gets at most one source, an earlier VMO with such frames: it can be built as a snapshot of its
 * source and the pages in which it differs. What shares a frame otherwise (KSM, mremap, a doubly
 * mapped memfd) is an alias: the same frame in several lists.
 *
 * I1. Every mapping has a VMO, and every present page of the mapping that is not SKIP agrees with
 *     it: the frame there, or none under the zero page.
 * I2. `source` relations have no cycle: `order` lists every VMO after its parent and its source.
 * I3. Within a private VMO a page stands once: it covers mappings of one load address only.
 */

import type { LinuxMapping, LinuxSnapshot } from './snapshot.js';
import { MapRole, PageCursor, PageKind, PageKinds, PageMap, roleOf } from './pages.js';
import { ZERO_PAGE, type FamilyPlan, type VmoPlan } from './plan.js';
import { SourceFinder } from './sources.js';

/**
 * Plans the VMOs of a snapshot.
 *
 * @param snapshot - a snapshot as read
 * @returns VMOs, and which mapping maps which
 */
export function planFamilies(snapshot: LinuxSnapshot): FamilyPlan {
  const planner = new Planner(snapshot);
  for (const mapping of snapshot.mappings) planner.place(mapping);
  return planner.finish();
}

class Planner {
  private readonly kinds: PageKinds;
  private readonly vmos: VmoPlan[] = [];
  private readonly vmoOf: VmoPlan[] = [];
  private readonly files = new Map<string, VmoPlan[]>();
  private readonly copies = new Map<string, VmoPlan>();

  constructor(private readonly snapshot: LinuxSnapshot) {
    this.kinds = new PageKinds(snapshot);
  }

  /** Chooses or makes the VMO of the next mapping. */
  place(mapping: LinuxMapping): void {
    const role = roleOf(mapping);
    if (role === MapRole.ANONYMOUS || (mapping.ino === 0 && !this.hasFilePages(mapping))) {
      this.vmoOf.push(this.anonymous(mapping));
      return;
    }
    const file = this.file(mapping);
    const copies = role === MapRole.PRIVATE_FILE && this.hasOtherPages(mapping);
    this.vmoOf.push(copies ? this.copiesOf(mapping, file) : file);
  }

  finish(): FamilyPlan {
    const { snapshot, kinds, vmos, vmoOf } = this;
    const order = new SourceFinder(snapshot, kinds, vmos).run();
    return { vmos, order, vmoOf, kinds };
  }

  private hasFilePages(mapping: LinuxMapping): boolean {
    return new PageCursor(this.kinds, [mapping], PageKind.FILE).next();
  }

  private anonymous(mapping: LinuxMapping): VmoPlan {
    return this.push({
      index: this.vmos.length,
      kind: 'anonymous',
      name: mapping.name,
      sizePages: mapping.pages,
      baseVpn: mapping.startPage,
      endVpn: mapping.startPage + mapping.pages,
      mappings: [mapping],
      process: mapping.process,
    });
  }

  /** The file's VMO: the first that agrees with the mapping, so two only on torn recordings. */
  private file(mapping: LinuxMapping): VmoPlan {
    const key = fileKey(mapping);
    let variants = this.files.get(key);
    if (!variants) this.files.set(key, (variants = []));
    const end = mapping.offsetPages + mapping.pages;
    let file = variants.find((variant) => this.agrees(mapping, variant));
    if (!file) {
      file = this.push({
        index: this.vmos.length,
        kind: 'file',
        name: mapping.name,
        sizePages: end,
        baseVpn: 0,
        endVpn: 0,
        mappings: [],
        process: -1,
        pages: new PageMap(),
      });
      variants.push(file);
    }
    file.sizePages = Math.max(file.sizePages, end);
    this.fill(mapping, file.pages as PageMap);
    return file;
  }

  private agrees(mapping: LinuxMapping, file: VmoPlan): boolean {
    const pages = file.pages as PageMap;
    const shift = mapping.startPage - mapping.offsetPages;
    const cursor = new PageCursor(this.kinds, [mapping]);
    while (cursor.next()) {
      const value = this.fileValue(mapping, cursor);
      if (value === 0) continue;
      const known = pages.get(cursor.vpn - shift);
      if (known !== 0 && known !== value) return false;
    }
    return true;
  }

  private fill(mapping: LinuxMapping, pages: PageMap): void {
    const shift = mapping.startPage - mapping.offsetPages;
    const cursor = new PageCursor(this.kinds, [mapping]);
    while (cursor.next()) {
      const value = this.fileValue(mapping, cursor);
      if (value !== 0) pages.set(cursor.vpn - shift, value);
    }
  }

  /** What a mapping's page says about the file: a frame + 1, the zero page, or nothing (0). */
  private fileValue(mapping: LinuxMapping, cursor: PageCursor): number {
    if (cursor.kind === PageKind.FILE) return cursor.frame + 1;
    return cursor.kind === PageKind.ZERO && mapping.shared ? ZERO_PAGE : 0;
  }

  /** True if a private mapping has pages that are not the file's: copies, or the zero page. */
  private hasOtherPages(mapping: LinuxMapping): boolean {
    const cursor = new PageCursor(this.kinds, [mapping]);
    while (cursor.next()) if (cursor.kind !== PageKind.FILE) return true;
    return false;
  }

  private copiesOf(mapping: LinuxMapping, file: VmoPlan): VmoPlan {
    const baseVpn = mapping.startPage - mapping.offsetPages;
    const key = `${mapping.process} ${file.index} ${baseVpn}`;
    let copies = this.copies.get(key);
    if (!copies) {
      copies = this.push({
        index: this.vmos.length,
        kind: 'private',
        name: file.name,
        sizePages: 0,
        baseVpn,
        endVpn: 0,
        mappings: [],
        process: mapping.process,
        file,
      });
      this.copies.set(key, copies);
    }
    copies.mappings.push(mapping);
    return copies;
  }

  private push(plan: VmoPlan): VmoPlan {
    this.vmos.push(plan);
    return plan;
  }
}

/** Inodes beyond 2^53 came through JSON as rounded numbers: the name tells them apart. */
function fileKey(mapping: LinuxMapping): string {
  const { dev, ino, name } = mapping;
  return ino === 0 || !Number.isSafeInteger(ino) ? `${dev} ${ino} ${name}` : `${dev} ${ino}`;
}
