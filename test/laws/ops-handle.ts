/**
 * Operations of random programs on handles to VMOs: duplicating, replacing, closing, names.
 */
import fc from 'fast-check';
import { Right as ModelRight, closeHandle, duplicate, needs, replace } from '../model/vmo.js';
import { pick } from './draws.js';
import { type AnyRow, row } from './operation.js';

/** Rights taken away from a handle, of the bits that a VMO's handle can have. */
const drop = fc.oneof(
  { weight: 3, arbitrary: fc.nat(63) },
  { weight: 1, arbitrary: fc.constantFrom(0, 64, 128, 192, 1 << 22, 4, 8, 32, 0xc000) },
);
/** Rights asked for that a handle may lack. */
const more = fc.constantFrom(0, 0, 0, 0, 0, 16, 1 << 21, 1 << 22);
const name = fc.constantFrom('', 'a', 'heap', 'blob-7', 'x'.repeat(40), 'cut\0here');

/** A name as the kernel keeps it: up to a NUL, at most 31 bytes. */
const kept = (text: string): string => text.split('\0')[0]!.slice(0, 31);

/** Operations on handles, by name. */
export const HANDLE_OPS: Record<string, AnyRow> = {
  duplicate: row({
    weight: 1, group: 'vmo', args: { handle: pick, drop, more },
    model: (m, a) => {
      const handle = m.handles[a.handle]!;
      m.handles.push(duplicate(handle, (handle.rights & ~a.drop) | a.more));
    },
    system: (s, a) => {
      const handle = s.handles[a.handle]!;
      s.handles.push(handle.duplicate((handle.rights & ~a.drop) | a.more));
    },
  }),
  replace: row({
    weight: 1, group: 'vmo', args: { handle: pick, drop: fc.constantFrom(0, 0, 1, 2, 8), more },
    model: (m, a) => {
      const handle = m.handles[a.handle]!;
      m.handles[a.handle] = replace(handle, (handle.rights & ~a.drop) | a.more);
    },
    system: (s, a) => {
      const handle = s.handles[a.handle]!;
      s.handles[a.handle] = handle.replace((handle.rights & ~a.drop) | a.more);
    },
  }),
  post: row({
    weight: 1, group: 'vmo', args: { handle: pick },
    model: (m, a) => needs(m.handles[a.handle]!, ModelRight.TRANSFER),
    system: (s, a) => {
      const [near, far] = s.system.createChannel();
      try {
        near.write(new Uint8Array(1), [s.handles[a.handle]!]);
        s.handles[a.handle] = far.read().handles[0] as (typeof s.handles)[0];
      } finally {
        near.close();
        far.close();
      }
    },
  }),
  replaceAsExecutable: row({
    weight: 1, group: 'vmo', args: { handle: pick },
    model: (m, a) => {
      const { vmo, rights } = m.handles[a.handle]!;
      m.handles[a.handle] = { vmo, rights: rights | ModelRight.EXECUTE };
    },
    system: (s, a) => {
      s.handles[a.handle] = s.handles[a.handle]!.replaceAsExecutable();
    },
  }),
  rename: row({
    weight: 1, group: 'vmo', args: { handle: pick, name },
    model: (m, a) => {
      const handle = m.handles[a.handle]!;
      needs(handle, ModelRight.SET_PROPERTY);
      handle.vmo.name = kept(a.name);
    },
    system: (s, a) => s.handles[a.handle]!.setName(a.name),
  }),
  close: row({
    weight: 3, group: 'vmo', args: { handle: pick },
    model: (m, a) => {
      const [handle] = m.handles.splice(a.handle, 1);
      closeHandle(m.world, handle!);
      m.closed.push(handle!);
    },
    system: (s, a) => {
      const [handle] = s.handles.splice(a.handle, 1);
      handle!.close();
      s.closed.push(handle!);
    },
  }),
};
