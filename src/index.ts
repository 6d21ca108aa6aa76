/**
 * zircon-memsim: a laboratory for memory. Everything a program may use.
 *
 * @module
 */

export { openScenario, openSystem, System, type BootOptions, type OpenOptions } from './system.js';
export type { AccountOptions } from './accounting/account.js';
export { GROUP_KEYS, type GroupKey, type GroupPlan } from './accounting/groups.js';
export type { Fraction } from './accounting/fraction.js';
export type * from './accounting/page-types.js';
export * from './accounting/tables.js';
export {
  Core, CoreVmoKind, FrameState,
  type AspaceRef, type CoreOptions, type FrameInfo, type FrameKinds, type MappingRef, type Ref,
  type PageRun, type VmoRef,
} from './core/core.js';
export { SystemClock } from './objects/clock.js';
export { Channel } from './objects/channel.js';
export type { ChannelMessage } from './objects/channel-object.js';
export type { SystemCounters } from './objects/counters.js';
export { Event, Timer } from './objects/event.js';
export { Fifo } from './objects/fifo.js';
export { EventPair } from './objects/peered.js';
export { Port, type PortPacket } from './objects/port.js';
export { Signal } from './objects/signals.js';
export { Socket, SocketOption } from './objects/socket.js';
export { VmoLockState, type DiscardableState } from './objects/discardable.js';
export { PagedUse, type DirtyRun, type PagedNeed } from './core/paged.js';
export { ZxError, type ErrorDetails } from './objects/errors.js';
export type { AgeingOptions } from './objects/ageing.js';
export type { Arch } from './objects/arch.js';
export type { FaultObserver, FaultRecord } from './objects/faults.js';
export { Handle } from './objects/handle.js';
export * from './objects/info.js';
export { Job, type ProcessOptions } from './objects/job.js';
export {
  PolicyAction, PolicyCondition, PolicyMode, PolicyOverride, type PolicyEntry,
} from './objects/job-policy.js';
export type { KernelPlan, KernelRegion } from './objects/kernel-aspace.js';
export type { Koid } from './objects/koid.js';
export type { LoanCounts } from './objects/loan-counts.js';
export { ObjectType, type NameOptions } from './objects/object.js';
export { Pager } from './objects/pager.js';
export * from './objects/pager-options.js';
export { Pin } from './objects/pin.js';
export type { PageQueueName, QueuePlace } from './core/queued.js';
export type {
  AgeReason, NewestGeneration, PageQueueCounts, PageQueues, ReclaimableMemory,
} from './objects/page-queues.js';
export type {
  DedupReport, EvictLevel, EvictOptions, EvictReport, Reclaim,
} from './objects/reclaim.js';
export { Process } from './objects/process.js';
export { KillCode } from './objects/process-object.js';
export type { Aslr, AslrOptions } from './objects/randomise.js';
export { DefaultRights, Right, SAME_RIGHTS } from './objects/rights.js';
export type { MemoryScanner, ScannerReclaim, ScannerReport } from './objects/scanner.js';
export { KernelSystem, type KernelUse, type SystemOptions } from './objects/system.js';
export { Thread } from './objects/thread.js';
export { BlockedOn, ExceptionChannel, ThreadState } from './objects/thread-object.js';
export { Status, type StatusName } from './objects/status.js';
export type { Bytes } from './objects/units.js';
export { Access, alignOption, VmarOp, VmOption } from './objects/vm-options.js';
export { Vmar } from './objects/vmar.js';
export type { CompressionOutcome, PageWindow } from './core/compressed.js';
export type { KernelMemoryCompression } from './objects/compression-stats.js';
export {
  MemoryLevel, type MemoryWatchdog, type PressureOptions, type PressureRecord,
} from './objects/watchdog.js';
export { Vmo } from './objects/vmo.js';
export type { VmoRole } from './objects/vmo-object.js';
export { CachePolicy, VmoChild, VmoOp, VmoOption, VmoSignal } from './objects/vmo-options.js';
export { DocumentSystem } from './import/document/document.js';
export type { SmapsSystem } from './import/linux/live/smaps-system.js';
export { ScenarioRun, type DoneStep, type ScenarioStep } from './import/scenario/run.js';
export { treemapPage, type TreemapOptions } from './export/treemap/page.js';
export { InputError } from './import/errors.js';
export { memgraphText, type MemgraphOptions } from './views/memgraph.js';
