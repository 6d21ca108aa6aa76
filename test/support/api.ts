/**
 * What tests need of the public API, and how they make a small empty system.
 */
import { KernelSystem } from '../../src/objects/system.js';
export { KernelSystem as System };
export { Handle } from '../../src/objects/handle.js';
export { Job } from '../../src/objects/job.js';
export { Process } from '../../src/objects/process.js';
export { Vmo } from '../../src/objects/vmo.js';
export { Vmar } from '../../src/objects/vmar.js';
export { Pin } from '../../src/objects/pin.js';
export { ZxError } from '../../src/objects/errors.js';
export { type StatusName } from '../../src/objects/status.js';
export { Right } from '../../src/objects/rights.js';
export { Topic, VmoInfoFlag, type ProcessMapsEntry } from '../../src/objects/info.js';
export { CachePolicy, VmoChild, VmoOp, VmoOption, VmoSignal } from '../../src/objects/vmo-options.js';
export { Access, VmOption, alignOption } from '../../src/objects/vm-options.js';
export type { AccountTables, Policy, Reach } from '../../src/accounting/tables.js';

/** An empty system of so many physical pages. */
export const newSystem = (physicalPages: number): KernelSystem =>
  new KernelSystem(KernelSystem.createCore({ physicalPages }));
