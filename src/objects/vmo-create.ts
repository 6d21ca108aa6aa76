/**
 * Making a VMO that is nobody's child, once the arguments were checked.
 */

import type { VmoRef } from '../core/core.js';
import { checkMemory } from './errors.js';
import { HANDLE_BYTES } from './kernel-heap.js';
import { checkNames, OBJECT_BYTES, ObjectType, type NameOptions } from './object.js';
import { PageTree } from './page-tree.js';
import { DefaultRights, Right } from './rights.js';
import type { KernelSystem } from './system.js';
import { Vmo } from './vmo.js';
import { VmoObject } from './vmo-object.js';
import { CachePolicy, VmoOption } from './vmo-options.js';
import { CoreVmoKind } from '../core/core.js';

/** Heap bytes of a VMO and its first handle. */
const VMO_BYTES = OBJECT_BYTES[ObjectType.VMO] + HANDLE_BYTES;

/** What is made. */
export interface NewVmo {
  /** One of `CoreVmoKind`. */ readonly kind: number;
  /** Pages. */ readonly sizePages: number;
  /** Bytes of the stream. */ readonly streamSizeBytes: bigint;
  /** Bits of `VmoOption`. */ readonly options?: number;
  /** A builder's name and koid. */ readonly names?: NameOptions;
  /** Contiguous: pages that divide the first frame's number, a power of two. */
  readonly alignPages?: number;
  /** Physical: address of the first byte. */ readonly physicalAddress?: bigint;
}

/**
 * Makes a VMO.
 *
 * @returns its first handle, with the default rights, and RESIZE if it is resizable (1.3)
 * @throws ZxError ZX_ERR_NO_MEMORY, ZX_ERR_ALREADY_EXISTS for a builder's koid that was given
 */
export function makeVmo(system: KernelSystem, made: NewVmo): Vmo {
  const { names = {} } = made;
  checkNames(system, names);
  return system.heap.hold(VMO_BYTES, () => newVmo(system, made));
}

function newVmo(system: KernelSystem, made: NewVmo): Vmo {
  const { kind, sizePages, streamSizeBytes, options = 0, names = {} } = made;
  const tree = kind === CoreVmoKind.CONTIGUOUS
    ? contiguousTree(system, sizePages, made.alignPages ?? 1)
    : PageTree.create(system, kind, sizePages);
  const isResizable = (options & VmoOption.RESIZABLE) !== 0;
  const extent = { sizePages, streamSizeBytes, isResizable };
  const cachePolicy = kind === CoreVmoKind.PHYSICAL ? CachePolicy.UNCACHED : CachePolicy.CACHED;
  const { physicalAddress = 0n } = made;
  const role = 'root' as const;
  const parts = { tree, offsetPages: 0, extent, options, role, cachePolicy, physicalAddress };
  const vmo = new VmoObject(system, { ...names, ...parts });
  return new Vmo(vmo, DefaultRights.VMO | (isResizable ? Right.RESIZE : 0));
}

function contiguousTree(system: KernelSystem, pages: number, alignPages: number): PageTree {
  const { core } = system;
  const made = core.vmoCreateContiguous(pages, alignPages);
  const what = `for a run of ${pages} pages from a multiple of ${alignPages} on`;
  const ref = checkMemory<VmoRef>(core, made, what, { pages, alignPages });
  return PageTree.adopt(system, ref, CoreVmoKind.CONTIGUOUS);
}
