/**
 * Help texts. Where upstream's tool has a help, its layout comes first and our own options follow.
 */

/** Options that every command takes. */
export const SHARED = `Options of every memsim command:
 -s, --system SPEC  The system to look at: boot (default), page-vmaps, page-vmos, linux
                    (this machine, now) or linux:PID,PID..., a scenario
                    (FILE.scenario.json), a recorded Linux snapshot (FILE.snap.jsonl,
                    .gz, .br), a memgraph document or a capture of mem --print
                    (FILE.json: tables, no pages), or - for one of these on standard
                    input
 --policy POLICY    How a page is charged: classic, attributed, exact, mapcount
 --reach REACH      What reaches a page: committed, present
 --era ERA          Layout of the text: page (default), 2017, 2019, 2022, 2025
 --workers N        Worker threads for the accounting; 0 is none
 --stats            Time and memory it took, on standard error
 --json, --csv      The same rows for programs; sizes are bytes
 -o, --output FILE  Write the result to FILE
 -h, --help         This help
 -V, --version      The version of memsim
`;

/** `memsim --help`. */
export const MAIN_HELP = `Usage: memsim COMMAND [options]

Shows where the memory of a simulated system or of a Linux machine went.

Commands:
 ps                 Jobs and processes, and what each costs
 vmaps KOID         One process's address space
 vmos KOID          The VMOs one process refers to
 page PAGE          Whose is this page: who has it, who reaches it, who pays
 kstats -m          Physical memory by use
 memgraph           Jobs, processes, threads, VMOs and handles as one JSON document
 record -o FILE     A snapshot of this Linux machine
 treemap            All of it as a picture: one HTML page
 zx COMMAND         The kernel console's: ps, vmos, asd, jobs, ht, koid, kill, ch ...
 pmm dump           Physical memory by the state of its pages
 vmm kaspace        The kernel's address space; aspaces: all of them
 scanner ...        The memory scanner: page queues by age, what can be reclaimed
 aspace KOID        The debugger's view of an address space
 handle KOID        The debugger's view of a process's handles
 run FILE           A scenario, step by step
 start              A first look at the embedded system
 shell              A prompt that takes all of these, on one live system

${SHARED}
Exit status: 0 done, 1 failed, 2 wrong usage.
`;

/** `memsim ps --help`. */
export const PS_HELP = `Usage: ps [options]
Options:
 -J             Only show jobs in the output
 -T             Include threads in the output
 --units=?      Fix all sizes to the named unit
                where ? is one of [BkMGTPE]
 --job=?        Show the given job and subjobs
                where ? is the job id.
 --sort=?       A flat list of processes (with -J: of jobs), sorted
                where ? is one of pss private shared swap unmapped kernel name koid;
                swap adds a column SWAP, unmapped and kernel need --policy exact
 --top=?        Only the first ? of the sorted list; by PSS without --sort
 --group=?      One row for all processes of one name, user or job
                where ? is one of name user job

${SHARED}`;

/** `memsim vmaps --help`. */
export const VMAPS_HELP = `Usage: vmaps <process-koid>

Dumps a process's memory maps to stdout.

First column:
  "/A" -- Process address space
  "/R" -- Root VMAR
  "R"  -- VMAR (R for Region)
  "M"  -- Mapping

  Indentation indicates parent/child relationship.

Column tags:
  :sz: The virtual size of the entry, in bytes. Not all pages are
       necessarily backed by physical memory.
  :res: The amount of memory "resident" in the entry, in bytes; i.e., the
        amount of physical memory that backs the entry. This memory may be
        private (only accessible by this process) or shared by multiple
        processes.
  :vmo: The koid of the VMO mapped into this region.

${SHARED}`;

/** `memsim vmos --help`. */
export const VMOS_HELP = `Usage: vmos <process-koid>

Dumps the VMOs that a process refers to, to stdout. One VMO may be listed
several times: once for each handle, and once for each place it is mapped at.

Columns:
  rights: If the process points to the VMO via a handle, this column shows the
      rights that the handle has, zero or more of:
          r: ZX_RIGHT_READ
          w: ZX_RIGHT_WRITE
          x: ZX_RIGHT_EXECUTE
          m: ZX_RIGHT_MAP
          d: ZX_RIGHT_DUPLICATE
          t: ZX_RIGHT_TRANSFER
      NOTE: Non-handle entries will have a single '-' in this column.
  koid: The koid of the VMO, if it has one. Zero otherwise. A VMO without a
      koid was created by the kernel, and has never had a userspace handle.
  parent: The koid of the VMO's parent, if it's a child.
  #chld: The number of active children of the VMO.
  #map: The number of times the VMO is currently mapped into VMARs.
  #shr: The number of processes that map (share) the VMO.
  size: The VMO's current size, in bytes.
  alloc: The amount of physical memory allocated to the VMO, in bytes.
      NOTE: If this column contains the value 'phys', it means that the VMO
      points to a raw physical address range like a memory-mapped device.
      'phys' VMOs do not consume RAM.
  name: The name of the VMO, or '-' if its name is empty.

${SHARED}`;

/** `memsim page --help`. */
export const PAGE_HELP = `Usage: page PFN | KOID:OFFSET | PID:ADDRESS

Says whose one page is: what stands there, the VMOs that have it, the processes
that reach it, and what each pays for it under each policy.

 PFN            A physical page by its number; of a recorded system, its PFN
 KOID:OFFSET    The page at a byte of a VMO
 PID:ADDRESS    The page at an address of a process
                Numbers are decimal, or 0x and hexadecimal

Columns:
  PAGE      own: in the VMO's own page list; parent's: seen through the parent
            that it follows; slice, reference: the page of another VMO
  #MAP      Mappings of the VMO; #HDL handles to it
  ENTRY     present: the page table leads to it
  PAYS      Bytes, exactly; --policy and --reach choose one column. Where both
            kinds of reach give the same, exact is one column

${SHARED}`;

/** `memsim kstats --help`. */
export const KSTATS_HELP = `Usage: kstats [options]
Options:
 -c             Print CPU statistics
 -m             Print memory statistics (what --json and --csv print anyway)
 -l             Print CPU load bars
 -v             Print guest (hypervisor) statistics
 -d N           Seconds between reports (default 1)
 -n N           Number of reports (default: until interrupted)
 -t             Print a timestamp before each report

CPU statistics, counted since the report before:
\tcpu:  cpu #; all: what Linux counts for the whole machine
\tload: percentage load
\tsched (scheduler statistics)
\t\tcs:        context switches
\t\tylds:      explicit thread yields
\t\tpmpts:     preemptions of threads
\t\tirq_pmpts: preemptions of threads by an interrupt
\texcep: exceptions
\tpagef: page faults
\tsysc:  system calls
\tints (interrupt statistics)
\t\thw:     hardware interrupts, timers among them
\t\ttmr:    timer interrupts
\t\ttmr_cb: timer callbacks
\tipi (inter-processor interrupts)
\t\trs:  reschedule events
\t\tgen: all others
A '-' is what the system does not count.

${SHARED}`;

/** `memsim memgraph --help`. */
export const MEMGRAPH_HELP = `Usage: memgraph [options]

Prints the memory of the whole system as JSON: what the kernel uses, jobs and
processes, each with its parent.

Options:
 -t|--threads  Include threads in the output
 -v|--vmos     Include VMOs in the output
 -H|--handles  Include handle stats in the output
 -S|--schema   Print the schema for the JSON output format
 -h|--help     Display this message

${SHARED}`;

/** `memsim record --help`. */
export const RECORD_HELP = `Usage: record [options] -o FILE

Records the memory of this Linux machine page by page: a snapshot that every
command takes as -s FILE. It needs root, or CAP_SYS_ADMIN. memsim itself is
left out. FILE is compressed where its name ends in .gz or .br; - is standard
output.

Options:
 --pid PID,...  Only these processes
 --tree PID     Only this process and all that descend from it
 --stop         Stop them (SIGSTOP) while they are read; they always go on
 --oracle       Add the kernel's own figures: smaps, smaps_rollup

${SHARED}`;

/** `memsim treemap --help`. */
export const TREEMAP_HELP = `Usage: treemap [options]

Prints one HTML page that shows the memory of the whole system as a treemap: an
area for everything, in proportion. The page needs nothing else, no network.

Without -s it shows the memgraph document on standard input where that is a pipe
or a file, else boot:

  memsim memgraph -vt | memsim treemap > mem.html
  memsim treemap -s SYSTEM -o mem.html

${SHARED}`;

/** `memsim run --help`. */
export const RUN_HELP = `Usage: run [options] FILE

Runs a scenario (FILE.scenario.json, - for standard input): a line for each step,
with the memory that is free and that VMOs have behind it. Every other command takes
a scenario as -s FILE and looks at its end; kstats and shell begin at its beginning,
and its steps happen as time passes on the system's clock.

Options:
 -S|--schema  Print the JSON Schema of scenarios

${SHARED}`;

/** `memsim start --help`. */
export const START_HELP = `Usage: start

A first look: ps, the vmos of one process, one report of kstats, and what to type next.

${SHARED}`;

/** What `help` prints in the shell. */
export const SHELL_WORDS = `Commands are memsim's, on the live system unless -s names another; their
help is COMMAND --help. What only the kernel's console has may begin with k.

 system [SPEC]      Says which system is looked at; with a SPEC, changes over
 help               This help
 create job NAME [JOB] | process NAME [JOB] | vmo SIZE [NAME] [PROCESS]
 map PROCESS VMO [SIZE [OFFSET]], unmap PROCESS ADDRESS SIZE
 write, read        Bytes: write KOID:OFFSET TEXT, or PROCESS:ADDRESS; read ... [SIZE]
 touch PROCESS:ADDRESS SIZE [r|w]
 commit, decommit   VMO [OFFSET SIZE]
 clone VMO [NAME] [PROCESS]
                    A copy-on-write snapshot
 fork PROCESS [TIMES]
                    The same mappings; what it alone writes is copied on write
 close KOID         Gives up what the shell holds; kill KOID ends a job or process
 run SECONDS        Time passes on the system's clock; pmm free, zx mwd and zx hwd
                    report each second of it until they are typed again
                    Sizes are such as 4096, 0x1000, 16k, 2M; objects are named by koid

 exit, quit         Leaves; so does the end of the input (control-D)

 A | B              A's result is what B reads
 A > FILE           The result goes to FILE; >> puts it behind what is there
 '...' "..." \\      Take blanks and signs as they are; # begins a comment
`;

/** `memsim shell --help`. */
export const SHELL_HELP = `Usage: shell [FILE]

A prompt that takes all of memsim's commands, on one live system. FILE, or standard
input that is no terminal, is a script: a line at a time, the status that of the last
command.

${SHELL_WORDS}
${SHARED}`;
