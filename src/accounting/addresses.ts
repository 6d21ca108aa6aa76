/**
 * Where the kernel's records stand: what its console prints of them as `%p`.
 *
 * No record of this simulator has an address in the simulated kernel, so one is made up: the
 * kernel's own address space stands in its image, everything else in its heap, one behind the other
 * in the order in which they are first asked for, each as long as a kernel of 2017 had it (sizes
 * and starts are those that the memory page's dump shows).
 *
 * I1. An object keeps its address as long as it lives; two objects never have the same.
 * I2. What stands in the kernel's address space comes first, so its addresses are the same whatever
 *     is looked at before.
 */

import type { AddressSpace } from '../objects/aspace.js';
import { Mapping } from '../objects/mapping.js';
import type { PageTree } from '../objects/page-tree.js';
import type { KernelSystem } from '../objects/system.js';
import type { VmarObject } from '../objects/vmar-object.js';
import { VmoObject } from '../objects/vmo-object.js';
import { walkRegions } from '../objects/walk.js';

/** What has an address. */
export type Addressed = AddressSpace | VmarObject | Mapping | VmoObject | PageTree;

const KERNEL_ASPACE_ADDRESS = 0xffffffff80252b20n;
const KERNEL_ROOT_ADDRESS = 0xffffffff802529a0n;
const HEAP_ADDRESS = 0xffffff80015f8890n;

/** Bytes of a record. */
const RECORD_BYTES = { mapping: 0xa0n, physical: 0xf0n, paged: 0x110n, other: 0x180n } as const;

function bytesOf(object: Addressed): bigint {
  if (object instanceof Mapping) return RECORD_BYTES.mapping;
  if (!(object instanceof VmoObject)) return RECORD_BYTES.other;
  return object.isPhysical ? RECORD_BYTES.physical : RECORD_BYTES.paged;
}

/** The addresses of one system's records. */
export class AddressBook {
  readonly #known = new WeakMap<Addressed, bigint>();
  #next = HEAP_ADDRESS;

  /** @param kernel - the kernel's address space, if there is one */
  constructor(kernel: AddressSpace | undefined) {
    if (kernel === undefined) return;
    this.#known.set(kernel, KERNEL_ASPACE_ADDRESS);
    this.#known.set(kernel.root, KERNEL_ROOT_ADDRESS);
    for (const { region } of walkRegions(kernel.root)) {
      if (region instanceof Mapping) this.of(region.vmo);
      this.of(region);
    }
  }

  /** Address of an object's record; of none 0. */
  of(object: Addressed | undefined): bigint {
    if (object === undefined) return 0n;
    const known = this.#known.get(object);
    if (known !== undefined) return known;
    const address = this.#next;
    this.#next += bytesOf(object);
    this.#known.set(object, address);
    return address;
  }
}

const books = new WeakMap<KernelSystem, { kernel: AddressSpace | undefined; book: AddressBook }>();

/** The book of a system; begun anew where the kernel's address space was laid out since. */
export function addressBookOf(system: KernelSystem): AddressBook {
  const kernel = system.kernelAspace;
  const known = books.get(system);
  if (known !== undefined && known.kernel === kernel) return known.book;
  const book = new AddressBook(kernel);
  books.set(system, { kernel, book });
  return book;
}
