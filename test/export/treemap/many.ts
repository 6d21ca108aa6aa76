/** A memgraph document with as many processes as asked for, in jobs of five hundred. */

import { Readable } from 'node:stream';
import { readDocument } from '../../../src/import/document/document.js';
import type { AccountTables } from '../../../src/accounting/tables.js';

/** A name that must never be read as HTML. */
export const HOSTILE = '<img src=x onerror=alert(1)>';
const PAGE_BYTES = 4096;
const LIBC_BYTES = 400 * PAGE_BYTES;

const kernel = (name: string, parent: string, bytes: number): object =>
  ({ id: `kernel/${name}`, type: 'kernel', parent, name, size_bytes: bytes });

/** The tables of such a system; its middle process has the name {@link HOSTILE}. */
export async function manyProcesses(count: number): Promise<AccountTables> {
  const records: object[] = [
    kernel('physmem', '', 2 ** 36), kernel('free', 'kernel/physmem', 2 ** 35),
    kernel('vmo', 'kernel/physmem', 2 ** 35),
    { id: 'j/1', type: 'j', koid: 1, parent: 'kernel/vmo', name: 'root' },
  ];
  for (let i = 0; i < count; i++) {
    const jobKoid = 100_000 + i - (i % 500);
    if (i % 500 === 0) {
      const name = `job ${i / 500}`;
      records.push({ id: `j/${jobKoid}`, type: 'j', koid: jobKoid, parent: 'j/1', name });
    }
    const ownBytes = PAGE_BYTES * (8 + ((i * 7919) % 1000));
    const vmo = (koid: number, name: string, bytes: number, share: number): object => ({
      koid, name, size_bytes: bytes, parent_koid: 0, num_children: 0, num_mappings: share,
      share_count: share, committed_bytes: bytes,
    });
    const vmos = [vmo(200_000 + i, 'heap', ownBytes, 1), vmo(7, 'libc.so.6', LIBC_BYTES, count)];
    const via = ['MAPPING'];
    records.push({
      id: `p/${1000 + i}`, type: 'p', koid: 1000 + i, parent: `j/${jobKoid}`,
      name: i === count >> 1 ? HOSTILE : `worker-${i}`,
      private_bytes: ownBytes, shared_bytes: LIBC_BYTES,
      pss_bytes: ownBytes + Math.floor(LIBC_BYTES / count),
      vmos, vmo_refs: [{ vmo_koid: 200_000 + i, via }, { vmo_koid: 7, via }],
    });
  }
  const input = Readable.from([Buffer.from(JSON.stringify(records))]);
  return (await readDocument('many.json', { input })).tables;
}
