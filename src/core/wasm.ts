/**
 * Loading the core: one shared memory, one compiled module, typed exports.
 *
 * The module is compiled once a variant and kept; every `Core` (and every worker) instantiates it
 * on a memory of its own choosing. The loader wraps each export; the wrapped function behind it is
 * kept on hot paths, because a wrapper costs up to 13 ns a call.
 */
import { existsSync, readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { compressorOf } from './compressor.js';

/** Which build of the core: `debug` keeps asserts and the fault injector. */
export type CoreVariant = 'release' | 'debug';

type Num = number;

/**
 * The module's functions, as compiled: numbers in, an i32 or f64 out. What each does stands in
 * `assembly/index.ts` and `assembly/account.ts`.
 *
 * @internal
 */
export interface RawExports {
  boot(pages: Num, limitChunks: Num): Num;
  vmoCreate(kind: Num, sizePages: Num): Num;
  vmoSnapshot(parent: Num, offsetPages: Num, sizePages: Num): Num;
  vmoLiveChild(parent: Num, offsetPages: Num, sizePages: Num): Num;
  vmoCreateContiguous(pages: Num, align: Num): Num;
  vmoLend(vmo: Num, page: Num, n: Num): void;
  vmoLentPages(vmo: Num): Num;
  vmoTakenPages(vmo: Num): Num;
  framesBorrowed(): Num;
  frameIsBorrowed(frame: Num): Num;
  vmoZeroInPlace(vmo: Num, offset: Num, length: Num): void;
  vmoDiscard(vmo: Num): Num;
  vmoRevive(vmo: Num): void;
  vmoDrop(vmo: Num): void;
  releaseStep(budget: Num): Num;
  vmoSizePages(vmo: Num): Num;
  vmoResize(vmo: Num, sizePages: Num, tail: Num): Num;
  vmoReserve(vmo: Num, page: Num, n: Num): Num;
  vmoCommit(vmo: Num, page: Num, n: Num): void;
  vmoZero(vmo: Num, page: Num, n: Num): Num;
  vmoPrepareZero(vmo: Num, page: Num, n: Num, partial: Num, runs: Num): Num;
  vmoZeroInPage(vmo: Num, page: Num, from: Num, length: Num): void;
  vmoDropPages(vmo: Num, page: Num, n: Num): void;
  contentsReserve(n: Num): Num;
  vmoOwnPages(vmo: Num, page: Num, n: Num): Num;
  vmoFrame(vmo: Num, page: Num): Num;
  vmoRead(vmo: Num, offset: Num, length: Num): void;
  vmoPrepareWrite(vmo: Num, offset: Num, length: Num): Num;
  vmoWrite(vmo: Num, offset: Num, length: Num): void;
  vmoExpand(vmo: Num, page: Num, n: Num): Num;
  vmoCompress(vmo: Num, page: Num, n: Num, mode: Num, most: Num): void;
  vmoCompressed(vmo: Num, page: Num, n: Num): Num;
  vmoSeeCompressed(vmo: Num, page: Num, n: Num, what: Num, value: Num): Num;
  storedBytes(): Num;
  pagesExpanded(): Num;
  storedPages(): Num;
  vmoPin(vmo: Num, page: Num, n: Num): Num;
  vmoUnpin(vmo: Num, page: Num, n: Num): void;
  vmoMetadataBytes(vmo: Num): Num;
  vmoRuns(vmo: Num, page: Num, n: Num, out: Num, room: Num): Num;
  vmoAliases(vmo: Num, page: Num, n: Num, out: Num, room: Num): Num;
  vmoLivePages(vmo: Num): Num;
  vmoOffsetIn(vmo: Num, relative: Num): Num;
  vmoFamily(vmo: Num): Num;
  vmoNextKin(vmo: Num): Num;
  aspaceCreate(): Num;
  aspaceDestroy(aspace: Num): void;
  map(aspace: Num, vmo: Num, base: Num, pages: Num, offset: Num, perms: Num): Num;
  unmap(mapping: Num): void;
  unmapRange(mapping: Num, first: Num, pages: Num): Num;
  reserveMappings(aspace: Num, n: Num): Num;
  splitMapping(mapping: Num, at: Num): Num;
  mergeMappings(first: Num, second: Num): void;
  vmoMappings(vmo: Num, page: Num, n: Num, out: Num, room: Num): Num;
  setPerms(mapping: Num, perms: Num): void;
  fault(aspace: Num, vpn: Num, access: Num): Num;
  faultPrepare(aspace: Num, vpn: Num, n: Num, access: Num): Num;
  faultRun(aspace: Num, vpn: Num, n: Num, access: Num): Num;
  faultSpan(aspace: Num, vpn: Num, n: Num, access: Num): Num;
  faultList(aspace: Num, list: Num, count: Num, n: Num, access: Num): Num;
  presentPrepare(aspace: Num, vpn: Num, n: Num): Num;
  presentRun(aspace: Num, vpn: Num, n: Num): void;
  zeroPrepare(aspace: Num, vpn: Num, n: Num, kept: Num): Num;
  commitPrepare(aspace: Num, vpn: Num, n: Num): Num;
  commitMapped(aspace: Num, vpn: Num, n: Num): void;
  entry(aspace: Num, vpn: Num): Num;
  aspaceTables(aspace: Num): Num;
  aspacePresent(aspace: Num): Num;
  takeFrames(state: Num, n: Num): Num;
  giveFrames(state: Num, n: Num): Num;
  frameInfo(frame: Num): void;
  framesCreate(n: Num): Num;
  frameFlag(frame: Num, flags: Num): void;
  vmoInsert(vmo: Num, page: Num, list: Num, n: Num, alias: Num): Num;
  entriesInstall(mapping: Num, first: Num, list: Num, n: Num, writable: Num): Num;
  scratchAlloc(bytes: Num): Num;
  scratchFree(at: Num, bytes: Num): void;
  passBegin(mode: Num): Num;
  passInject(vmo: Num, page: Num, n: Num, weight: Num): void;
  passInjectList(list: Num, count: Num): void;
  passInjectSeq(vmo: Num): void;
  passScan(): void;
  passShare(patienceMs: Num): void;
  passHelp(): Num;
  giveUp(): void;
  passRead(vmo: Num, page: Num, n: Num, acc: Num): void;
  passReadInto(list: Num, count: Num, accs: Num): void;
  sumsSettle(accs: Num, count: Num): void;
  passLeast(vmo: Num, page: Num, n: Num): Num;
  passOwners(vmo: Num, page: Num, n: Num, hist: Num): void;
  passMeet(list: Num, count: Num, work: Num, action: Num, out: Num): void;
  passWeighFrame(frame: Num, delta: Num): void;
  storedInject(vmo: Num, page: Num, n: Num, weight: Num): void;
  storedRead(vmo: Num, page: Num, n: Num, acc: Num): void;
  storedLeast(vmo: Num, page: Num, n: Num, seq: Num): Num;
  storedScan(): void;
  storedEnd(): void;
  stampColumn(): Num;
  presentScan(aspace: Num, lo: Num, n: Num, op: Num, stamps: Num, stamp: Num, out: Num): void;
  presentShare(patienceMs: Num): void;
  presentHelp(list: Num, count: Num, op: Num, stamps: Num): Num;
  presentExtras(list: Num, count: Num, atMostOne: Num): void;
  presentSettle(acc: Num): void;
  frameWeight(frame: Num): Num;
  pagerNeed(vmo: Num, page: Num, n: Num, mode: Num): Num;
  pagerWritten(root: Num, page: Num, n: Num): void;
  pagerAllowDirty(root: Num, page: Num, n: Num): Num;
  pagerWritebackBegin(root: Num, page: Num, n: Num, zeros: Num): Num;
  pagerWritebackEnd(root: Num, page: Num, n: Num): Num;
  pagerDirtyRuns(root: Num, page: Num, n: Num, out: Num, room: Num): Num;
  pagerZero(
    root: Num, firstPage: Num, firstByte: Num, endPage: Num, endByte: Num, slot: Num,
  ): Num;
  pagerResize(root: Num, sizePages: Num, tail: Num): Num;
  pagerDropClean(root: Num, page: Num, n: Num, markers: Num, heedHints: Num): Num;
  queueCounts(out: Num): void;
  zeroPages(): Num;
  frameQueue(frame: Num): Num;
  queueOfAge(age: Num): Num;
  queueSet(frame: Num, queue: Num): void;
  queueAccess(frame: Num): void;
  queuesRotate(): void;
  queuesHarvest(): void;
  vmoEachSeen(vmo: Num, page: Num, n: Num, what: Num): void;
  vmoHighPriority(vmo: Num, isHigh: Num): void;
  pagerEvict(root: Num, queue: Num, most: Num, ignoreHints: Num): Num;
  vmoDedupZero(vmo: Num, page: Num): Num;
  vmoDedupScan(vmo: Num, page: Num, most: Num, untouchedToo: Num): Num;
  pagesMove(
    vmo: Num, page: Num, n: Num, aux: Num, auxPage: Num, replace: Num, borrow: Num,
  ): Num;
  digest(): void;
  audit(): Num;
  whoseBegin(frame: Num): Num;
  whoseEnd(marks: Num, chunks: Num): void;
  whosePages(vmo: Num, frame: Num, marks: Num, out: Num, room: Num): Num;
  whoseTable(aspace: Num, frame: Num): Num;
  whoseEntries(aspace: Num, frame: Num): Num;
  whoseMissingTables(aspace: Num, vpn: Num): Num;
  whoseRun(vmo: Num): Num;
}

/**
 * The module's constants (layout numbers), by name.
 *
 * @internal
 */
export type RawConstants = Readonly<Record<string, number>>;

/** One instance of the core on a memory. */
export interface CoreInstance {
  /** Functions without the loader's wrappers. */
  readonly raw: RawExports;
  /** Layout numbers the module exports. */
  readonly constants: RawConstants;
}

const modules = new Map<CoreVariant, WebAssembly.Module>();

/**
 * The compiled module of a variant, read from `build/` beside the sources or the compiled files.
 */
export function coreModule(variant: CoreVariant): WebAssembly.Module {
  let module = modules.get(variant);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(fileOf(variant)));
    modules.set(variant, module);
  }
  return module;
}

/** Whether a build of the core is there: the package has the release, a checkout has both. */
export function hasCoreBuild(variant: CoreVariant): boolean {
  return modules.has(variant) || existsSync(fileOf(variant));
}

function fileOf(variant: CoreVariant): URL {
  const file = variant === 'debug' ? 'debug.wasm' : 'core.wasm';
  return new URL(`../../build/${file}`, import.meta.url);
}

/** Instantiates a module on a memory that other instances may share. */
export function instantiateCore(
  module: WebAssembly.Module, memory: WebAssembly.Memory,
): CoreInstance {
  const env = { memory, ...compressorOf(memory) };
  const { exports } = instantiateSync<Record<string, unknown>>(module, { env });
  const raw: Record<string, unknown> = {};
  const constants: Record<string, number> = {};
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === 'function') {
      raw[name] = (value as { original?: unknown }).original ?? value;
    } else if (value instanceof WebAssembly.Global) {
      constants[name] = (value.value as number) >>> 0;
    }
  }
  return { raw: raw as unknown as RawExports, constants };
}
