/**
 * What the tests of pagers share: a pager that answers, a VMO of it, and a record of the requests.
 */
import type { Pager } from '../../src/objects/pager.js';
import { PagerCommand, PagerOp, type PageRequest } from '../../src/objects/pager-options.js';
import type { KernelSystem } from '../../src/objects/system.js';
import type { Vmo } from '../../src/objects/vmo.js';
import { makeSystem, P, word } from './support.js';

/** A pager, a VMO of it, and what the pager was asked. */
export interface World {
  readonly system: KernelSystem;
  readonly pager: Pager;
  readonly vmo: Vmo;
  readonly seen: PageRequest[];
}

/** Supplies pages whose first words are their numbers. */
export const supply = (
  { system, pager, vmo }: Omit<World, 'seen'>, page: number, pages: number,
): void => {
  const aux = system.createVmo(pages * P);
  for (let i = 0; i < pages; i++) aux.write(i * P, word(page + i));
  try {
    pager.supplyPages(vmo, page * P, pages * P, aux);
  } finally {
    aux.close();
  }
};

/** First page and number of pages of a request. */
export const pagesOf = ({ offset, length }: PageRequest): [number, number] =>
  [Number(offset) / P, Number(length) / P];

/** A pager that answers everything, unless `handler` says otherwise, and a VMO of 8 pages. */
export const makeWorld = (
  options = 0, handler?: (world: World, request: PageRequest) => void, physicalPages = 4096,
): World => {
  const system = makeSystem(physicalPages);
  const seen: PageRequest[] = [];
  const pager = system.createPager((request) => {
    seen.push(request);
    if (handler !== undefined) handler(world, request);
    else if (request.command === PagerCommand.READ) supply(world, ...pagesOf(request));
    else if (request.command === PagerCommand.DIRTY) {
      pager.opRange(PagerOp.DIRTY, world.vmo, request.offset, request.length);
    }
  });
  const vmo = pager.createVmo(8 * P, options, { key: 77, name: 'file' });
  const world = { system, pager, vmo, seen };
  return world;
};

/** Requests as text. */
export const shown = (seen: readonly PageRequest[]): string[] => seen.map((request) => {
  const name = ['READ', 'COMPLETE', 'DIRTY'][request.command];
  return `${name} ${pagesOf(request).join('+')}`;
});
