/**
 * The model's table of operations on processes, and of the kernel's figures for VMOs and mappings.
 */
import { Mismatch, type Step } from '../conformance/cases.js';
import { count, text } from '../conformance/values.js';
import {
  type ProcessFigures, attributed, attributedVmos, classic, reached,
} from './accounting.js';
import { type Action, type Bench, expectSame } from './bench.js';
import { ModelProcess } from './process.js';
import { Perm } from './vmar.js';
import { ZERO, floor, ratio, subtract } from './rational.js';

const statsOf = (bench: Bench, name: string): ProcessFigures => {
  const process = bench.processes.get(name);
  const rows = bench.rule === 'old' ? classic(bench.world) : attributed(bench.world);
  const row = rows.find((r) => r.process === process);
  if (row === undefined) throw new Mismatch(`a living process ${name}`, 'none');
  return row;
};

const taskField = (row: ProcessFigures, field: string): bigint => {
  switch (field) {
    case 'mem_mapped_bytes':
      return BigInt(row.process.mappings.reduce((n, m) => n + m.pages * 4096, 0));
    case 'mem_private_bytes': return BigInt(row.privateBytes);
    case 'mem_shared_bytes': return BigInt(row.sharedBytes);
    case 'mem_scaled_shared_bytes': return floor(subtract(row.pss, ratio(row.privateBytes)));
    default: throw new Error(`no field ${field}`);
  }
};

const kernelField = (bench: Bench, step: Step, field: string): bigint => {
  const { vmo } = bench.handles.get(text(step, 'vmo'));
  const row = attributedVmos(bench.world).find((r) => r.vmo === vmo);
  switch (field) {
    case 'uncompressed_bytes': return BigInt(row?.committedBytes ?? 0);
    case 'private_uncompressed_bytes': return BigInt(row?.privateBytes ?? 0);
    case 'scaled_uncompressed_bytes': return floor(row?.scaled ?? ZERO);
    default: return 0n;
  }
};

/** Operations on processes, by name. */
export const taskActions: Record<string, Action> = {
  process_create: (b, s) => b.processes.set(text(s, 'out'), new ModelProcess(b.world)),
  process_map: (b, s) => {
    const process = b.processes.get(text(s, 'process'));
    const pages = Math.ceil(count(s, 'len') / 4096);
    const handle = b.handles.get(text(s, 'vmo'));
    process.map(handle, b.nextBase, pages, count(s, 'vmo_offset') / 4096, Perm.READ | Perm.WRITE);
    b.maps.set(text(s, 'out'), b.nextBase);
    b.nextBase += pages + 1;
  },
  process_give_handle: (b, s) => {
    b.processes.get(text(s, 'process')).give(b.handles.get(text(s, 'vmo')));
  },
  process_kill: (b, s) => b.processes.get(text(s, 'process')).kill(),
  process_protect: (b, s) => {
    const base = b.maps.get(text(s, 'map'));
    const bits = [...text(s, 'perms')].reduce((n, c) => n | (1 << 'rwx'.indexOf(c)), 0);
    b.processes.get(text(s, 'process')).protect(base + count(s, 'page'), count(s, 'pages'), bits);
  },
  expect_process_maps: (b, s) => {
    const sizes: number[] = [];
    for (const mapping of b.processes.get(text(s, 'process')).mappings) {
      mapping.perms.forEach((perm, i) => {
        if (i > 0 && perm === mapping.perms[i - 1]) sizes[sizes.length - 1]! += 4096;
        else sizes.push(4096);
      });
    }
    const wanted = String(s['mapping_sizes'] ?? sizes);
    if (String(sizes) !== wanted) throw new Mismatch(wanted, String(sizes));
  },
  expect_task_stats: (b, s) => {
    const row = statsOf(b, text(s, 'process'));
    for (const [field, wanted] of Object.entries(s['fields'] as Record<string, number>)) {
      expectSame(wanted, taskField(row, field));
    }
  },
  expect_pss: (b, s) => expectSame(count(s, 'bytes'), floor(statsOf(b, text(s, 'process')).pss)),
  expect_kernel_attribution: (b, s) => {
    for (const [field, wanted] of Object.entries(s['fields'] as Record<string, number>)) {
      expectSame(wanted, kernelField(b, s, field));
    }
  },
  expect_mapping_attributed_pages: (b, s) => {
    const mapping = b.root.mappingAt(b.maps.get(text(s, 'map')));
    const pages = mapping ? [...reached(b.root, mapping, 'committed')].length : 0;
    expectSame(count(s, 'pages'), pages);
  },
};
