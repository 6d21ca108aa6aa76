/**
 * A worker of the accounting pool: an instance of the core on the system's own memory.
 */

import { workerData } from 'piscina';
import { helperOf, type SharedWork } from '../core/passes.js';

const { module, memory } = workerData as {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
};
const help = helperOf(module, memory);

/** Helps with a pass until it is done. */
export default function work(task: SharedWork): void {
  help(task);
}
