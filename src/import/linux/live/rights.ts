/**
 * Whether this process may see which frame a page is in.
 *
 * Without CAP_SYS_ADMIN the kernel opens pagemap and shows every PFN as 0 (admin-guide/mm/pagemap);
 * in a container the capability may be there and mean nothing. So a page of our own is looked at.
 */

import { Denied, type ProcFiles } from './proc-files.js';
import { parseAreas } from './areas.js';
import { WordFile } from './word-file.js';

const PRESENT_HIGH = 0x8000_0000;
const PFN_HIGH_MASK = 0x7fffff;

/** True where pagemap shows PFNs, and kpagecount and kpageflags can be opened. */
export function maySeeFrames(proc: ProcFiles): boolean {
  try {
    for (const name of ['kpagecount', 'kpageflags']) new WordFile(proc.path(name)).close();
    const pagemap = new WordFile(proc.path('self', 'pagemap'));
    try {
      for (const area of parseAreas(proc.text('self', 'maps') ?? '')) {
        const words = pagemap.read(area.startPage, Math.min(area.pages, 16));
        for (let i = 0; i < words; i++) {
          const high = pagemap.words[2 * i + 1] as number;
          if ((high & PRESENT_HIGH) === 0) continue;
          return pagemap.words[2 * i] !== 0 || (high & PFN_HIGH_MASK) !== 0;
        }
      }
    } finally {
      pagemap.close();
    }
    return false;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (error instanceof Denied || code === 'ENOENT') return false;
    throw error;
  }
}
