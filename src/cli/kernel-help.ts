/**
 * Help texts of the kernel console's commands and the debugger's: their own usage, then our
 * options.
 */

import type { Era } from '../views/era.js';
import { SHARED } from './help.js';

/** Usage lines of `zx`, by era. */
function zxUsage(era: Era): string[] {
  const late = era === '2022' || era === '2025';
  const psHelp = "zx ps help           : print header label descriptions for 'ps'";
  const channels = late
    ? ['zx ch   <koid>       : dump channels for pid or for all processes,',
      '                       or processes for channel koid']
    : ['zx ch   <pid>        : dump process channels for pid or for all processes'];
  const koid = [
    'zx koid <koid>       : list all handles for a koid',
    "zx koid help         : print header label descriptions for 'koid'",
  ];
  return [
    'zx ps                : list processes',
    ...(era === '2017' ? [] : [psHelp]),
    'zx jobs              : list jobs',
    'zx mwd  <mb>         : memory watchdog',
    'zx ht   <pid>        : dump process handles',
    ...(era === '2017' ? [] : channels),
    'zx hwd  <count>      : handle watchdog',
    'zx vmos <pid>|all|hidden [-u?]',
    '                     : dump process/all/hidden VMOs',
    '                 -u? : fix all sizes to the named unit',
    '                       where ? is one of [BkMGTPE]',
    'zx kill <pid>        : kill process',
    'zx asd  <pid>|kernel : dump process/kernel address space',
    'zx htinfo            : handle table info',
    ...(era === '2017' ? [] : koid),
  ];
}

/** `memsim zx --help`: the console's usage in an era. */
export function zxHelp(era: Era): string {
  return `${zxUsage(era).join('\n')}

mwd and hwd are one report here, and timers in the shell; kill ends a process of
the system that was opened.

${SHARED}`;
}

/** `memsim pmm --help`. */
export const PMM_HELP = `pmm dump                 : dump pmm stats
pmm free                 : free memory, one report (in the shell a timer)
pmm mem_avail_state info : dump memory availability state info
pmm mem_avail_state [step] <state> [<nsecs>]
                         : allocate pages until memory is in a state (0 to 4), hold
                           them for so many seconds of the system's clock (10 if left
                           out), free them; step pauses 1 s at each state

What takes pages acts on the system that is looked at: in the shell the live one.

${SHARED}`;

/** `memsim vmm --help`. */
export const VMM_HELP = `vmm aspaces              : dump all address spaces
vmm kaspace              : dump the kernel's address space

${SHARED}`;

/** `memsim scanner --help`. */
export const SCANNER_HELP = `scanner dump                    : dump scanner info
scanner push_disable            : increase scanner disable count
scanner pop_disable             : decrease scanner disable count
scanner reclaim_all             : attempt to reclaim all possible memory
scanner rotate_queue            : immediately rotate the page queues
scanner reclaim <MB> [only_old] : attempt to reclaim requested MB of memory
scanner harvest_accessed        : harvest all page accessed information

All but dump change the system that is looked at: in the shell the live one, else
only the one that the command opened. Page tables are not reclaimed here.

${SHARED}`;

/** `memsim aspace --help`. */
export const ASPACE_HELP = `Usage: aspace <process-koid> [<address>]

The address space of a process as the debugger shows it: for mappings the VMO,
the offset in it, and pages (not bytes) that are committed there. With an
address, the regions that hold it are marked with --> (and are the only rows of
--json and --csv).

${SHARED}`;

/** `memsim handle --help`. */
export const HANDLE_HELP = `Usage: handle <process-koid> [<handle>]

The handles of a process as the debugger shows them, first the VMOs that it maps
and has no handle to. With a handle's number, all that is known of that one.

${SHARED}`;
