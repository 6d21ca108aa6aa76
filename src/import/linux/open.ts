/**
 * A recorded Linux snapshot as a system: read, then build.
 */

import type { KernelSystem } from '../../objects/system.js';
import type { SourceOptions } from '../source.js';
import { buildLinux, type LinuxImport, type MakeSystem } from './build.js';
import { readSnapshot } from './read.js';

/**
 * Opens a snapshot.
 *
 * @param file - a `.snap.jsonl`, `.gz` or `.br` file, or `-` for standard input
 * @param make - makes the empty system on the core that it is handed
 * @param options - progress, or bytes to read instead of the file
 * @returns the system and its facts
 * @throws InputError for a broken file, ZxError ZX_ERR_NO_MEMORY for one that does not fit
 */
export async function openLinux<S extends KernelSystem>(
  file: string,
  make: MakeSystem<S>,
  options: SourceOptions = {},
): Promise<LinuxImport<S>> {
  return buildLinux(await readSnapshot(file, options), make);
}
