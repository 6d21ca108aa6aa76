/**
 * Discardable and contiguous VMOs of the model, in the plainest form: a page is an entry of a Map.
 * Neither kind has copies, so nothing is shared here but slices, which show their parent's pages.
 *
 * I1. A contiguous VMO has every page but those lent out; a discardable one those it was given.
 * I2. Checks stand in the order of the reference text (1.4 to 1.7, 5), all before a change.
 */
import { Refusal, refuseIf } from './status.js';

const P = 4096;

/** Pages and locks of a VMO; slices share their parent's. */
export interface Store {
  readonly kind: 'discardable' | 'contiguous';
  readonly resizable: boolean;
  /** Bytes of the pages that are there; null: all zero. */
  readonly pages: Map<number, Uint8Array | null>;
  /** Pins by page. */
  readonly pins: Map<number, number>;
  state: 'unset' | 'unreclaimable' | 'reclaimable' | 'discarded';
  locks: number;
  discards: number;
}

/** A VMO, or a slice of one. */
export interface KindVmo {
  readonly store: Store;
  readonly first: number;
  readonly isSlice: boolean;
  sizePages: number;
  streamBytes: bigint;
}

/** What every operation asks. */
export interface Setting {
  loaning: boolean;
}

const zeros = (): Uint8Array => new Uint8Array(P);

/** A discardable VMO without pages. */
export const makeDiscardable = (sizePages: number, resizable: boolean): KindVmo => ({
  store: {
    kind: 'discardable', resizable, pages: new Map(), pins: new Map(), state: 'unset', locks: 0,
    discards: 0,
  },
  first: 0, isSlice: false, sizePages, streamBytes: BigInt(sizePages) * 4096n,
});

/** A contiguous VMO. */
export const makeContiguous = (sizePages: number): KindVmo => {
  refuseIf(sizePages === 0, 'ZX_ERR_INVALID_ARGS');
  const pages = new Map<number, Uint8Array | null>();
  for (let page = 0; page < sizePages; page++) pages.set(page, null);
  return {
    store: {
      kind: 'contiguous', resizable: false, pages, pins: new Map(), state: 'unset', locks: 0,
      discards: 0,
    },
    first: 0, isSlice: false, sizePages, streamBytes: BigInt(sizePages) * 4096n,
  };
};

/** A slice: of contiguous VMOs only, here. */
export const makeSlice = (vmo: KindVmo, first: number, pages: number): KindVmo => {
  refuseIf(vmo.store.kind === 'discardable', 'ZX_ERR_NOT_SUPPORTED');
  refuseIf(first + pages > vmo.sizePages, 'ZX_ERR_INVALID_ARGS');
  return {
    store: vmo.store, first: vmo.first + first, isSlice: true, sizePages: pages,
    streamBytes: BigInt(pages) * 4096n,
  };
};

/** A snapshot: never. */
export const refuseSnapshot = (vmo: KindVmo): never => {
  throw new Refusal(
    vmo.store.kind === 'discardable' ? 'ZX_ERR_NOT_SUPPORTED' : 'ZX_ERR_INVALID_ARGS',
  );
};

const inRange = (vmo: KindVmo, offset: number, length: number): void =>
  refuseIf(offset + length > vmo.sizePages * P, 'ZX_ERR_OUT_OF_RANGE');

const kept = (vmo: KindVmo): void =>
  refuseIf(vmo.store.state === 'discarded', 'ZX_ERR_NOT_FOUND');

/** The page, as its user finds it: a contiguous VMO takes back what it has lent. */
const used = (vmo: KindVmo, page: number): Uint8Array | null | undefined => {
  const { store } = vmo;
  const at = vmo.first + page;
  if (store.kind === 'contiguous' && !store.pages.has(at)) store.pages.set(at, null);
  return store.pages.get(at);
};

const committed = (vmo: KindVmo, page: number): void => {
  used(vmo, page);
  const at = vmo.first + page;
  if (!vmo.store.pages.has(at)) vmo.store.pages.set(at, null);
};

/** zx_vmo_read. */
export const readKind = (vmo: KindVmo, offset: number, length: number): Uint8Array => {
  inRange(vmo, offset, length);
  kept(vmo);
  return Uint8Array.from({ length }, (_, i) => {
    const at = offset + i;
    return used(vmo, Math.floor(at / P))?.[at % P] ?? 0;
  });
};

/** zx_vmo_write. */
export const writeKind = (vmo: KindVmo, offset: number, data: Uint8Array): void => {
  inRange(vmo, offset, data.length);
  kept(vmo);
  data.forEach((byte, i) => {
    const at = offset + i;
    const page = Math.floor(at / P);
    committed(vmo, page);
    const bytes = vmo.store.pages.get(vmo.first + page) ?? zeros();
    bytes[at % P] = byte;
    vmo.store.pages.set(vmo.first + page, bytes);
  });
};

const zero = (vmo: KindVmo, offset: number, length: number): void => {
  const { store } = vmo;
  for (let at = offset; at < offset + length;) {
    const page = Math.floor(at / P);
    const end = Math.min(offset + length, (page + 1) * P);
    const place = vmo.first + page;
    const bytes = store.pages.get(place);
    const whole = at % P === 0 && end - at === P;
    if (whole && store.kind !== 'contiguous' && !store.pins.has(place)) store.pages.delete(place);
    else bytes?.fill(0, at % P, at % P + end - at);
    at = end;
  }
};

/** Operations on ranges that the model knows. */
export type KindOp =
  | 'COMMIT' | 'DECOMMIT' | 'ZERO' | 'PREFETCH' | 'DONT_NEED' | 'ALWAYS_NEED' | 'CACHE_SYNC';

/** zx_vmo_op_range but for locks. */
export const rangeKind = (
  setting: Setting, vmo: KindVmo, op: KindOp, offset: number, length: number,
): void => {
  refuseIf(op === 'CACHE_SYNC' && length === 0, 'ZX_ERR_INVALID_ARGS');
  inRange(vmo, offset, length);
  const first = Math.floor(offset / P);
  const end = Math.ceil((offset + length) / P);
  if (op === 'COMMIT' && length > 0) {
    kept(vmo);
    for (let page = first; page < end; page++) committed(vmo, page);
  }
  if (op === 'ZERO') zero(vmo, offset, length);
  if (op !== 'DECOMMIT') return;
  refuseIf(offset % P !== 0 || length % P !== 0, 'ZX_ERR_INVALID_ARGS');
  refuseIf(vmo.store.kind === 'contiguous' && !setting.loaning, 'ZX_ERR_NOT_SUPPORTED');
  for (let page = first; page < end; page++) {
    refuseIf(vmo.store.pins.has(vmo.first + page), 'ZX_ERR_BAD_STATE');
  }
  for (let page = first; page < end; page++) vmo.store.pages.delete(vmo.first + page);
};

/** LOCK, TRY_LOCK or UNLOCK of a range; what LOCK says was discarded, in pages. */
export const lockKind = (
  vmo: KindVmo, op: 'LOCK' | 'TRY_LOCK' | 'UNLOCK', pages: number, hasBuffer: boolean,
): number => {
  const { store } = vmo;
  refuseIf(store.kind !== 'discardable', 'ZX_ERR_NOT_SUPPORTED');
  refuseIf(pages !== vmo.sizePages, 'ZX_ERR_OUT_OF_RANGE');
  if (op === 'UNLOCK') {
    refuseIf(store.locks === 0, 'ZX_ERR_BAD_STATE');
    store.locks -= 1;
    if (store.locks === 0) store.state = 'reclaimable';
    return 0;
  }
  refuseIf(op === 'LOCK' && !hasBuffer, 'ZX_ERR_INVALID_ARGS');
  refuseIf(op === 'TRY_LOCK' && store.state === 'discarded', 'ZX_ERR_UNAVAILABLE');
  const gone = store.state === 'discarded' ? pages : 0;
  store.locks += 1;
  store.state = 'unreclaimable';
  return gone;
};

/** The system discards; the pages that went. */
export const discardKind = (vmo: KindVmo): number => {
  const { store } = vmo;
  if (store.state !== 'reclaimable' || store.pins.size > 0) return 0;
  const gone = store.pages.size;
  store.pages.clear();
  store.state = 'discarded';
  store.discards += 1;
  return gone;
};

/** Pins pages. */
export const pinKind = (vmo: KindVmo, first: number, pages: number): void => {
  inRange(vmo, first * P, pages * P);
  refuseIf(pages === 0, 'ZX_ERR_INVALID_ARGS');
  kept(vmo);
  const { pins } = vmo.store;
  for (let page = first; page < first + pages; page++) {
    refuseIf((pins.get(vmo.first + page) ?? 0) >= 31, 'ZX_ERR_UNAVAILABLE');
  }
  for (let page = first; page < first + pages; page++) {
    committed(vmo, page);
    pins.set(vmo.first + page, (pins.get(vmo.first + page) ?? 0) + 1);
  }
};

/** Lets pins go. */
export const unpinKind = (vmo: KindVmo, first: number, pages: number): void => {
  const { pins } = vmo.store;
  for (let page = vmo.first + first; page < vmo.first + first + pages; page++) {
    const left = (pins.get(page) ?? 0) - 1;
    if (left > 0) pins.set(page, left);
    else pins.delete(page);
  }
};

const cutStream = (vmo: KindVmo, from: bigint): void => {
  const size = vmo.sizePages * P;
  if (from < BigInt(size)) zero(vmo, Number(from), size - Number(from));
};

/** zx_vmo_set_size, _set_stream_size, or the property. */
export const sizeKind = (
  vmo: KindVmo, what: 'size' | 'stream' | 'content', bytes: number,
): void => {
  const { store } = vmo;
  const wanted = BigInt(bytes);
  if (what === 'size') {
    refuseIf(!store.resizable, 'ZX_ERR_UNAVAILABLE');
    const pages = Math.ceil(bytes / P);
    for (const page of store.pins.keys()) refuseIf(page >= pages, 'ZX_ERR_BAD_STATE');
    const end = Math.min(pages, vmo.sizePages) * P;
    const cuts = wanted < vmo.streamBytes || pages < vmo.sizePages;
    if (cuts && bytes < end) zero(vmo, bytes, end - bytes);
    for (const page of [...store.pages.keys()]) if (page >= pages) store.pages.delete(page);
    vmo.sizePages = pages;
    vmo.streamBytes = wanted;
    return;
  }
  refuseIf(store.kind === 'contiguous', 'ZX_ERR_NOT_SUPPORTED');
  if (what === 'stream') {
    inRange(vmo, bytes, 0);
    if (wanted === vmo.streamBytes) return;
    cutStream(vmo, wanted < vmo.streamBytes ? wanted : vmo.streamBytes);
  } else cutStream(vmo, wanted);
  vmo.streamBytes = wanted;
};

/** Touches pages through a mapping of the whole VMO. */
export const touchKind = (vmo: KindVmo, first: number, pages: number, write: boolean): void => {
  for (let page = first; page < first + pages; page++) {
    refuseIf(page >= vmo.sizePages, 'ZX_ERR_OUT_OF_RANGE');
    kept(vmo);
  }
  for (let page = first; page < first + pages; page++) {
    if (write) committed(vmo, page);
    else used(vmo, page);
  }
};
