/**
 * The words of the `memgraph` format, for the view that writes it and for the reader.
 *
 * Source: tool-formats, section 7.
 */

import { ObjectType } from '../objects/object.js';
import { Right } from '../objects/rights.js';

/** Rights that the tool names, in its order. */
export const MEMGRAPH_RIGHTS = [
  ['READ', Right.READ], ['WRITE', Right.WRITE], ['EXECUTE', Right.EXECUTE], ['MAP', Right.MAP],
  ['DUPLICATE', Right.DUPLICATE], ['TRANSFER', Right.TRANSFER],
] as const;

/** Names of object types in `handle_stats`, by number; others are `unknown`. */
export const HANDLE_NAMES: ReadonlyMap<number, string> = new Map<number, string>([
  [ObjectType.PROCESS, 'process'], [ObjectType.THREAD, 'thread'], [ObjectType.VMO, 'vmo'],
  [ObjectType.CHANNEL, 'channel'], [ObjectType.EVENT, 'event'], [ObjectType.PORT, 'port'],
  [9, 'interrupt'], [11, 'pci_device'], [12, 'log'], [ObjectType.SOCKET, 'socket'],
  [15, 'resource'], [ObjectType.EVENTPAIR, 'eventpair'], [ObjectType.JOB, 'job'],
  [ObjectType.VMAR, 'vmar'], [ObjectType.FIFO, 'fifo'], [20, 'guest'], [21, 'vcpu'],
  [ObjectType.TIMER, 'timer'], [23, 'iommu'], [24, 'bti'], [25, 'profile'],
]);

/** What `ps -T` calls a thread's state, and what `memgraph` does. */
export const THREAD_STATE_NAMES: ReadonlyMap<string, string> = new Map([
  ['new', 'NEW'], ['running', 'RUNNING'], ['susp', 'SUSPENDED'], ['blocked', 'BLOCKED'],
  ['dying', 'DYING'], ['dead', 'DEAD'], ['excp', 'EXCEPTION'],
]);
