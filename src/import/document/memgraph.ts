/**
 * Reads a `memgraph` document, upstream's or ours: an array of records to a {@link DocumentDraft}.
 *
 * I1. One record has no parent, one job hangs below a `kernel/` record, ids are used once, and
 *     every job, process and thread leads up to that job. Records may stand in any order.
 * I2. Of entries with one VMO koid the first wins; entries with koid 0 are each a VMO.
 *
 * Source: tool-formats, sections 7 and 8; `memgraph-schema.json`. Unknown kinds of kernel records
 * and keys are passed over.
 */

import { joinShare } from '../../accounting/columns.js';
import {
  HANDLE_NAMES, MEMGRAPH_RIGHTS, THREAD_STATE_NAMES,
} from '../../accounting/memgraph-words.js';
import { type KmemStats, type Policy, TaskType } from '../../accounting/tables.js';
import type { DocumentDraft, RefDraft, TaskDraft, VmoDraft } from './builder.js';
import type { Field } from './fields.js';

const POLICIES: readonly string[] = ['classic', 'attributed', 'exact', 'mapcount'];
const COUNT_MAX = 0xffff_ffff;
const DEPTH_MAX = 0xffff;
/** A number that no object type has: for names of types we do not know. */
const UNKNOWN_TYPE = 63;
const HANDLE_TYPES = new Map([...HANDLE_NAMES].map(([type, name]) => [name, type]));
const STATE_WORDS = new Map([...THREAD_STATE_NAMES].map(([word, name]) => [name, word]));
const RIGHT_BITS: ReadonlyMap<string, number> = new Map(MEMGRAPH_RIGHTS);

interface Task {
  readonly field: Field;
  readonly parent: string;
  readonly draft: TaskDraft;
}

/** Takes the records one by one. */
class MemgraphReader {
  private readonly kernel = new Map<string, number>();
  private readonly tasks = new Map<string, Task>();
  private readonly vmos: VmoDraft[] = [];
  private readonly vmoRow = new Map<number, number>();
  private roots = 0;
  private policy: Policy = 'classic';
  private takenAt: string | undefined;
  private hasVmos = false;

  /** Reads one record. */
  record(field: Field): void {
    const type = field.at('type').text();
    if (type.startsWith('__')) {
      this.meta(field);
      return;
    }
    const idField = field.at('id');
    const id = idField.text();
    if (this.kernel.has(id) || this.tasks.has(id)) idField.fail('an id that was not used before');
    const parent = field.at('parent').text();
    if (parent === '' && ++this.roots > 1) {
      field.at('parent').fail('one record without a parent, not a second');
    }
    switch (type) {
      case 'kernel':
        this.kernel.set(id, field.at('size_bytes').count());
        break;
      case 'j':
      case 'p':
      case 't':
        this.tasks.set(id, { field, parent, draft: this.task(field, type) });
        break;
      default:
        field.at('type').fail('kernel, j, p, t or __META');
    }
  }

  private meta(field: Field): void {
    const policy = field.at('policy');
    if (policy.value !== undefined) {
      if (!POLICIES.includes(policy.text())) policy.fail(POLICIES.join(', '));
      this.policy = policy.value as Policy;
    }
    const timestamp = field.at('timestamp');
    if (timestamp.value === undefined) return;
    if (!Number.isFinite(Date.parse(timestamp.text()))) timestamp.fail('a date and time');
    this.takenAt = timestamp.text();
  }

  private task(field: Field, type: 'j' | 'p' | 't'): TaskDraft {
    const koid = field.at('koid').count();
    const name = field.at('name').text();
    if (type === 'j') return { type: TaskType.JOB, koid, name, below: [] };
    if (type === 't') {
      const state = STATE_WORDS.get(field.at('state').text()) ?? '???';
      return { type: TaskType.THREAD, koid, name, state, below: [] };
    }
    const stats = field.at('handle_stats');
    return {
      type: TaskType.PROCESS, koid, name,
      privateBytes: field.at('private_bytes').count(),
      sharedBytes: field.at('shared_bytes').count(),
      pss: joinShare(BigInt(field.at('pss_bytes').count()), 0n),
      unmappedBytes: field.at('unmapped_bytes').countIfAny(),
      kernelBytes: field.at('kernel_bytes').countIfAny(),
      refs: this.refs(field),
      ...(stats.value === undefined ? {} : { handleCounts: handleCounts(stats) }),
      below: [],
    };
  }

  /** Entries of `vmos` become rows; `vmo_refs` say who refers to them. */
  private refs(field: Field): RefDraft[] {
    const unnumbered: number[] = [];
    const own = new Map<number, number>();
    for (const entry of field.at('vmos').itemsIfAny()) {
      this.hasVmos = true;
      const draft = vmoOf(entry);
      let row = draft.koid === 0 ? undefined : this.vmoRow.get(draft.koid);
      if (row === undefined) {
        row = this.vmos.push(draft) - 1;
        if (draft.koid !== 0) this.vmoRow.set(draft.koid, row);
      }
      if (draft.koid === 0) unnumbered.push(row);
      else own.set(draft.koid, row);
    }
    const refs: RefDraft[] = [];
    let nextUnnumbered = 0;
    for (const entry of field.at('vmo_refs').itemsIfAny()) {
      const koid = entry.at('vmo_koid').count();
      const vmo = (koid === 0 ? unnumbered[nextUnnumbered++] : own.get(koid))
        ?? entry.at('vmo_koid').fail("the koid of an entry of the process's vmos");
      let rights = 0;
      for (const right of entry.at('handle_rights').itemsIfAny()) {
        rights |= RIGHT_BITS.get(right.text())
          ?? right.fail(MEMGRAPH_RIGHTS.map(([name]) => name).join(', '));
      }
      for (const via of entry.at('via').items()) {
        const word = via.text();
        if (word !== 'HANDLE' && word !== 'MAPPING') via.fail('HANDLE or MAPPING');
        const viaHandle = word === 'HANDLE';
        refs.push({ vmo, viaHandle, rights: viaHandle ? rights : 0 });
      }
    }
    return refs;
  }

  /** Everything was read: the tasks find their places. */
  finish(document: Field): DocumentDraft {
    if (this.roots === 0) document.fail('a record without a parent: kernel/physmem');
    const root = this.rootJob(document);
    for (const task of this.tasks.values()) {
      if (task === root) continue;
      const above = this.tasks.get(task.parent);
      const expected = task.draft.type === TaskType.THREAD ? TaskType.PROCESS : TaskType.JOB;
      if (above?.draft.type !== expected) {
        const kind = expected === TaskType.JOB ? 'job' : 'process';
        return task.field.at('parent').fail(`the id of a ${kind} of the document`);
      }
      above.draft.below.push(task.draft);
    }
    this.checkReached(root.draft);
    return {
      policy: this.policy, root: root.draft, vmos: this.vmos, kmem: this.kmem(), notes: [],
      ...(this.takenAt === undefined ? {} : { takenAt: this.takenAt }),
      missing: {
        maps: 'a memgraph document has no address spaces',
        ...(this.hasVmos
          ? {} : { vmoRefs: 'this memgraph document has no VMOs: it was written without -v' }),
        ...(this.kernel.size > 1
          ? {} : { kmem: 'this memgraph document does not say what the kernel uses' }),
      },
    };
  }

  private rootJob(document: Field): Task {
    let root: Task | undefined;
    for (const task of this.tasks.values()) {
      const isRoot = task.draft.type === TaskType.JOB && task.parent.startsWith('kernel/');
      if (!isRoot) continue;
      if (!this.kernel.has(task.parent)) {
        task.field.at('parent').fail('the id of a kernel record of the document');
      }
      if (root !== undefined) task.field.at('parent').fail('one root job, not a second');
      root = task;
    }
    return root ?? document.fail('a job whose parent is kernel/vmo: the root job');
  }

  /** Jobs that are their own ancestors hang nowhere. */
  private checkReached(root: TaskDraft): void {
    const reached = new Set<TaskDraft>([root]);
    let level = [root];
    for (let depth = 1; level.length > 0; depth++) {
      level = level.flatMap((task) => task.below);
      for (const task of level) reached.add(task);
      if (depth <= DEPTH_MAX || level.length === 0) continue;
      const deep = [...this.tasks.values()].find(({ draft }) => draft === level[0]);
      deep?.field.at('parent').fail(`at most ${DEPTH_MAX} jobs above each other`);
    }
    for (const { draft, field } of this.tasks.values()) {
      if (!reached.has(draft)) field.at('parent').fail('a job below the root job');
    }
  }

  private kmem(): KmemStats {
    const size = (id: string): number => this.kernel.get(`kernel/${id}`) ?? 0;
    const freeHeapBytes = size('heap/free');
    return {
      totalBytes: size('physmem'), freeBytes: size('free'), freeLoanedBytes: 0,
      wiredBytes: size('wired'), totalHeapBytes: size('heap'), freeHeapBytes,
      vmoBytes: size('vmo'), mmuOverheadBytes: size('mmu'), ipcBytes: size('ipc'),
      otherBytes: size('other'), availableBytes: size('free'),
    };
  }
}

function vmoOf(entry: Field): VmoDraft {
  const name = entry.at('name');
  const size = entry.at('size_bytes');
  const share = entry.at('share_count');
  return {
    koid: entry.at('koid').count(),
    name: name.value === undefined ? '' : name.text(),
    sizeBytes: size.value === undefined ? 0n : size.size(),
    parentKoid: entry.at('parent_koid').countIfAny(),
    numChildren: entry.at('num_children').countIfAny(COUNT_MAX),
    numMappings: entry.at('num_mappings').countIfAny(COUNT_MAX),
    shareCount: share.value === undefined ? 1 : share.count(COUNT_MAX),
    committedBytes: entry.at('committed_bytes').countIfAny(),
  };
}

function handleCounts(stats: Field): Map<number, number> {
  const counts = new Map<number, number>();
  for (const name of stats.keys()) {
    const type = HANDLE_TYPES.get(name) ?? UNKNOWN_TYPE;
    counts.set(type, (counts.get(type) ?? 0) + stats.at(name).count());
  }
  return counts;
}

/**
 * Reads a document.
 *
 * @param document - the JSON value
 * @throws InputError with the JSON path of what is wrong
 */
export function readMemgraph(document: Field): DocumentDraft {
  const reader = new MemgraphReader();
  for (const record of document.items()) reader.record(record);
  return reader.finish(document);
}
