/**
 * Every offset and size in the core's memory. Nothing else in the repository restates one:
 * `src/core/` reads what it needs from the module's exported constants.
 *
 *   0 KiB        64 KiB   128 KiB             256 KiB                  brk            limit
 *   | Wasm's own | header | look-aside buffer | 64 KiB chunks: columns | not yet used |
 *                                             | nodes, pools ...       |
 *
 * I1. No module of the core has mutable globals or static data: each worker's instance would have
 *     its own. All state is in this one memory, under fixed header addresses.
 * I2. Chunks are 64 KiB and aligned to it, so a node finds its chunk's columns by masking its
 *     address.
 */

// ---- host memory --------------------------------------------------------------------------------
export const CHUNK_BYTES: u32 = 65536;
export const PAGE_BYTES: u32 = 4096;
export const HEADER: u32 = 65536;
// chunk numbers 0 to 3: Wasm's own page, the header, the look-aside buffer
export const FIRST_CHUNK: u32 = 4;

// ---- header fields (byte addresses) -------------------------------------------------------------
export const H_MAGIC: u32 = HEADER + 0;
export const H_BRK: u32 = HEADER + 4; // next unused chunk number
export const H_LIMIT: u32 = HEADER + 8; // chunks that may be used at most
export const H_FREE_CHUNK: u32 = HEADER + 12; // list of free single chunks (addresses)
// not 0: some pool is below its spare, operations must reserve
export const H_LOW: u32 = HEADER + 16;
export const H_FAIL_AT: u32 = HEADER + 20; // debug: the n-th request from now fails; 0 = off
export const H_XFER: u32 = HEADER + 24; // address of the transfer buffer (one chunk)
export const H_PENDING: u32 = HEADER + 28; // nodes waiting for release, linked through aux
export const H_FRAMES: u32 = HEADER + 32; // number of frames, frame 0 (the zero page) included
export const H_FRAME_A: u32 = HEADER + 36; // column addresses
export const H_FRAME_B: u32 = HEADER + 40;
export const H_FRAME_C: u32 = HEADER + 44;
export const H_FRAME_D: u32 = HEADER + 48;
export const H_FRAME_FREE: u32 = HEADER + 52; // first free frame, linked through C
export const H_FRAME_BUMP: u32 = HEADER + 56; // first frame never used yet
export const H_FRAME_WEIGHT: u32 = HEADER + 60; // pass scratch column, 0 until the first pass
export const H_STATES: u32 = HEADER + 64; // 16 counters, pages in each state
export const H_MAX_HEIGHT: u32 = HEADER + 128; // highest tree in use
export const H_FAMILY_NEXT: u32 = HEADER + 132;
export const H_SEQ_NEXT: u32 = HEADER + 136; // creation numbers of VMOs
export const H_CONTENTS: u32 = HEADER + 140; // content slots in use
export const H_OUT: u32 = HEADER + 144; // 8 words: second results of exports
export const H_PASS: u32 = HEADER + 176; // number of the accounting pass; stamps node chunks
export const H_DIRTY: u32 = HEADER + 180; // address of the dirty-block bytes of the weight column
export const H_FAULTS: u32 = HEADER + 184; // pages of the last resolved run that had to fault
export const H_VMOS: u32 = HEADER + 188; // live VMO records, doubly linked
export const H_ASPACES: u32 = HEADER + 192; // live address spaces, linked
export const H_SHARE_TABLE: u32 = HEADER + 196; // share of a page by weight, 16 bytes each
export const H_SHARE_COUNT: u32 = HEADER + 200; // weights the share table covers
export const H_WEIGHT_MODE: u32 = HEADER + 204; // 0 weights are summed, 1 the smallest wins
export const H_CHUNK_PASS: u32 = HEADER + 208; // table: the last pass that entered each chunk
export const H_ALIASES: u32 = HEADER + 212; // places where an alias was inserted, ever
export const H_PATH_VMO: u32 = HEADER + 216; // whose path H_PATH holds, 0 when it may be stale
export const H_PATH_LEAF: u32 = HEADER + 224; // u64, key >> 5 of its leaf
// entries of the look-aside buffer of other epochs are stale
export const H_TLB_EPOCH: u32 = HEADER + 220;
export const H_REGIONS: u32 = HEADER + 232; // free regions of adjacent chunks, by address
export const H_LIST: u32 = HEADER + 236; // address of a chunk for lists inside one operation
export const H_EXPANDED: u32 = HEADER + 248; // u64, compressed pages made again, ever
export const H_STORED_BYTES: u32 = HEADER + 240; // u64, bytes of compressed pages
export const H_PATH: u32 = HEADER + 256; // 16 nodes by height: the last descent
// 112 words: work claimed and done, a pair for each phase (at most 55)
export const H_CLAIM: u32 = HEADER + 512;
export const H_CLAIM_BYTES: u32 = 448;
export const H_GIVEN_UP: u32 = H_CLAIM + 448; // not 0: a thread gave up waiting
export const H_PATIENCE: u32 = H_CLAIM + 452; // milliseconds without progress that are waited
export const H_POOLS: u32 = HEADER + 1024; // POOL_COUNT pools of 32 bytes
export const H_NODE_CHUNKS: u32 = HEADER + 2048; // list of node chunks by height
export const H_ZRAM_ROOM: u32 = HEADER + 2176; // first ZRAM page with room, by class (10)
export const H_STRICT: u32 = HEADER + 2304; // debug: pools have no spare but what was reserved
export const H_BUDGET: u32 = HEADER + 2308; // debug: records reserved and not taken, by pool
export const H_QUEUES: u32 = HEADER + 2560; // 16 counters, pages in each queue but the first
export const H_NEWEST: u32 = HEADER + 2624; // 0 to 7: the generation that new pages join
export const H_LOANED: u32 = HEADER + 2628; // first frame that is lent and free
// look-aside buffer of leaf tables: 8192 entries of | space | page >> 9 | table, W | epoch |
export const H_TLB: u32 = HEADER + CHUNK_BYTES;
export const TLB_MASK: u32 = 8191;
// the same for the tables above them: 64 entries of | space | page >> 18 | table, W | epoch |
export const H_WALKS: u32 = HEADER + 4096;
export const WALKS_MASK: u32 = 63;

// ---- frames (vm_page), 16 bytes in four columns -------------------------------------------------
//   A | references 30 | dirty 2 |
//   B | state 4 | queue 4 | pins 5 | flags 7 | key high 12 |
//   C | content slot 20 | family low 12 |          while free: C = next free frame
//   D | key low 22 | family high 10 |              while borrowed: loan's record >> 4
//                            while lent and free: C = next such frame, D = the one before
// Family and key are the way back from a frame to the lists that hold it, and a hint: 22 bits of
// the family's number and 34 of the key are kept, and a frame that stands in several lists has one.
// Nothing reads them yet. Whoever does looks the frame up in the lists he finds, and takes it for
// found only where a slot holds it.
export const FRAME_BYTES: u32 = 16;
export const A_REF: u32 = 1;
export const A_REF_MASK: u32 = 0x3fffffff;
export const A_DIRTY_SHIFT: u32 = 30; // pages of a pager's VMO: clean 0, dirty 1, being cleaned 2
export const PAGE_CLEAN: u32 = 0;
export const PAGE_DIRTY: u32 = 1;
export const PAGE_CLEANING: u32 = 2;
export const PAGE_GOING: u32 = 3; // of an anonymous page in a sweep: D is what replaces it
export const B_STATE_MASK: u32 = 0xf;
export const B_PIN_SHIFT: u32 = 8;
export const B_PIN_ONE: u32 = 1 << 8;
export const B_PIN_MASK: u32 = 31 << 8;
export const B_ALIAS: u32 = 1 << 13;
export const B_HUGETLB: u32 = 1 << 14;
export const B_ANON: u32 = 1 << 15;
export const B_SHMEM: u32 = 1 << 16;
export const B_OUTSIDE: u32 = 1 << 17; // recorded with mappings that were not; goes with the frame
export const B_NEEDED: u32 = 1 << 18; // ALWAYS_NEED: stays unless hints are ignored
export const B_BORROWED: u32 = 1 << 19; // a contiguous VMO lent it (loans.ts)
export const B_KEY_SHIFT: u32 = 20;
export const B_QUEUE_SHIFT: u32 = 4;
export const B_QUEUE_MASK: u32 = 0xf0;
// queues of OBJECT pages; the others stand in none, 0 here. The first is not counted but derived:
// what a fault made of nothing costs no counting
export const Q_ZERO_FORK: u32 = 0;
export const Q_ANONYMOUS: u32 = 1;
export const Q_HIGH_PRIORITY: u32 = 2;
export const Q_FAILED_RECLAIM: u32 = 3;
export const Q_ISOLATE: u32 = 4;
export const Q_WIRED: u32 = 5;
export const Q_DIRTY: u32 = 6;
export const Q_GENERATION: u32 = 8; // and seven more, a ring: H_NEWEST says which is the newest
export const GENERATIONS: u32 = 8;
export const QUEUE_COUNT: u32 = 16;
export const FRAMES_MAX: u32 = 1 << 26;

export const ST_FREE: u32 = 0;
export const ST_ALLOC: u32 = 1;
export const ST_WIRED: u32 = 2;
export const ST_HEAP: u32 = 3;
export const ST_OBJECT: u32 = 4;
export const ST_MMU: u32 = 5;
export const ST_IOMMU: u32 = 6;
export const ST_IPC: u32 = 7;
export const ST_CACHE: u32 = 8;
export const ST_SLAB: u32 = 9;
export const ST_ZRAM: u32 = 10;
export const ST_LOANED: u32 = 11;
export const STATE_COUNT: u32 = 12;

// ---- node chunk: 364 nodes of one height --------------------------------------------------------
//   0        slots, 32 words of each node (two cache lines)
//   46592    headers, 16 bytes each: references, may-be-shared mask, pages below, link or origin
//   52416    pass records, 32 bytes each: share sum (two lanes), weight, mark mask, private pages,
//            stamp
//   64064    pass: weight to push, 4 bytes each
//   65520    chunk header
// Chunks are 64 KiB apart, so equal offsets in them fall into the same cache sets: what a pass asks
// of a node stands in the node's own record, and whether a chunk has any is told by a side table
// (H_CHUNK_PASS).
export const FANOUT: u32 = 32;
export const FANOUT_BITS: u32 = 5;
export const NODES_PER_CHUNK: u32 = 364;
export const NODE_BYTES: u32 = 128;
export const NODE_SHIFT: u32 = 7;
export const NC_HEADERS: u32 = 46592;
export const NC_RECORDS: u32 = 52416;
export const NC_PUSH: u32 = 64064;
export const NC_HEAD: u32 = 65520;
export const NC_NEXT: u32 = NC_HEAD + 0;
export const NC_HEIGHT: u32 = NC_HEAD + 4;
export const NC_FRESH: u32 = NC_HEAD + 8; // next fresh chunk
export const NR_BYTES: u32 = 32;
export const NR_SUM: u32 = 0;
export const NR_WEIGHT: u32 = 16;
export const NR_MARK: u32 = 20;
export const NR_PRIVATE: u32 = 24;
export const NR_STAMP: u32 = 28; // number of the pass that the record belongs to
export const NH_BYTES: u32 = 16;
export const NH_SHIFT: u32 = 4;
export const NH_REFS: u32 = 0;
export const NH_MASK: u32 = 4;
export const NH_COUNT: u32 = 8;
// free and released nodes: next; living ones: | copied from | 6 bits | compressed pages below 1 |
export const NH_AUX: u32 = 12;
export const AUX_STORED: u32 = 1; // may be set where none is; where it is clear, there is none
export const HEIGHT_MAX: u32 = 11; // 32^11 = 2^55 keys
export const KEY_MAX: u64 = 1 << 52;

// ---- slots: tag 2 bits, value 30 bits (frame number, or node address >> 7) ----------------------
export const SLOT_TAG: u32 = 0xc0000000;
export const SLOT_TAGS: u32 = 0x40000000; // values from here on are tagged
export const SLOT_ZERO: u32 = 0x40000000; // reads zero, hides a live parent; covers a whole subtree
// zero intervals of a pager's VMO: they read zero and cover a whole subtree, too
export const SLOT_ZERO_DIRTY: u32 = 0x80000000;
export const SLOT_ZERO_CLEANING: u32 = 0x80000001; // being written back
export const SLOT_ZERO_UNTRACKED: u32 = 0x80000002; // behind the stream: nobody writes them back

// a compressed page: its record's address >> 4 (stored.ts); in leaves only
export const SLOT_STORED: u32 = 0xc0000000;

// ---- compressed pages, 16 bytes, and ZRAM pages, 32 bytes ---------------------------------------
export const STORED_BYTES: u32 = 16;
export const S_REFS: u32 = 0;
export const S_PLACE: u32 = 4; // ZRAM page's record | item
export const S_BYTES: u32 = 8;
export const S_GOING: u32 = 12; // while it is expanded: | shared 1 | frame |
export const STORED_BYTES_MOST: u32 = 2048;
export const ZRAM_BYTES: u32 = 32;
export const Z_FRAME: u32 = 0;
export const Z_TAKEN: u32 = 4; // a bit for each item
export const Z_CLASS: u32 = 8;
export const Z_NEXT: u32 = 12; // list of those of a class that have room
export const Z_PREV: u32 = 16;

// ---- a borrowed frame's loan, 16 bytes: | VMO | 0 | key u64 | -----------------------------------
export const LOAN_BYTES: u32 = 16;

// ---- VMO record, 128 bytes ----------------------------------------------------------------------
export const VMO_BYTES: u32 = 128;
export const V_ROOT: u32 = 0;
export const V_HEIGHT: u32 = 4; // u8
export const V_KIND: u32 = 5; // u8
export const V_FLAGS: u32 = 6; // u16
export const V_BASE: u32 = 8; // u64, key of page 0
export const V_SIZE: u32 = 16; // u64, pages
export const V_FAMILY: u32 = 24;
export const V_SEQ: u32 = 28; // creation number, for the rule "oldest living"
export const V_MAPS: u32 = 32; // root of the tree of its mappings by key
export const V_MAP_COUNT: u32 = 36;
export const V_REFS: u32 = 40; // object, mappings and live children
export const V_PARENT: u32 = 44; // live parent (unidirectional clone), 0 none
export const V_CHILD: u32 = 48; // first live child
export const V_SIB: u32 = 52; // next live child of the same parent
export const V_SIB_PREV: u32 = 56;
export const V_PINNED: u32 = 60; // pages pinned (with multiplicity)
export const V_LIMIT: u32 = 64; // u64, keys from here on do not see the live parent
export const V_NEXT: u32 = 72; // list of all VMOs
export const V_PREV: u32 = 76;
export const V_KIN: u32 = 80; // ring of the VMOs of one family
export const V_KIN_PREV: u32 = 84;
export const V_TAKEN: u32 = 116; // pager's root: pages that lenders took back, for nothing
export const V_RUN: u32 = 120; // contiguous: frame of page 0
export const V_LENT: u32 = 124; // contiguous: pages lent out
export const VK_ANONYMOUS: u32 = 0;
export const VK_PHYSICAL: u32 = 1;
export const VK_FILE: u32 = 2;
export const VK_PAGER: u32 = 3; // without a live parent: what no slot says is absent, not zero
export const VK_CONTIGUOUS: u32 = 4;
export const VF_ZERO_MAPPED: u32 = 1; // some mapping may hold the zero page
export const VF_DISCARDED: u32 = 2; // its pages were discarded: an access finds nothing
export const VF_HIGH_PRIORITY: u32 = 4; // its pages are neither reclaimed nor deduplicated

// ---- address space, 64 bytes --------------------------------------------------------------------
export const ASPACE_BYTES: u32 = 64;
export const AS_ROOT: u32 = 0; // top table, 0 until the first entry
export const AS_INDEX: u32 = 4; // sorted array of mapping addresses
export const AS_COUNT: u32 = 8;
export const AS_CAP: u32 = 12;
export const AS_TABLES: u32 = 16; // page-table pages
export const AS_PRESENT: u32 = 20; // present leaf entries
export const AS_NEXT: u32 = 24;
export const AS_PREV: u32 = 28;
export const AS_LAST: u32 = 32; // mapping found last

// ---- mapping, 64 bytes --------------------------------------------------------------------------
export const MAPPING_BYTES: u32 = 64;
export const M_ASPACE: u32 = 0;
export const M_VMO: u32 = 4;
export const M_BASE: u32 = 8; // u64, first virtual page
export const M_PAGES: u32 = 16; // u64
export const M_KEY: u32 = 24; // u64, key of the first page in the VMO's tree
export const M_PERMS: u32 = 32; // READ 1, WRITE 2, EXECUTE 4
export const M_LEFT: u32 = 36; // tree of the VMO's mappings by key (intervals.ts)
export const M_RIGHT: u32 = 40;
export const M_UP: u32 = 44;
export const M_MAX: u32 = 48; // u64, highest end key in its subtree

// ---- page table, 16 bytes beside its data -------------------------------------------------------
//   data, packed: bitmap of 512 bits (64 bytes), then the entries in order; dense: 512 entries
//   upper entry: address of the table below | WRITE; leaf entry: frame << 5 | D A X W P
export const TABLE_BYTES: u32 = 16;
export const T_DATA: u32 = 0;
export const T_FRAME: u32 = 4;
export const T_COUNT: u32 = 8; // u16
export const T_CLASS: u32 = 10; // u8
export const T_LEVEL: u32 = 11; // u8, 1 = leaf
export const T_BITMAP: u32 = 64;
export const CLASS_DENSE: u32 = 4;
export const PTE_P: u32 = 1;
export const PTE_W: u32 = 2;
export const PTE_X: u32 = 4;
export const PTE_A: u32 = 8;
export const PTE_D: u32 = 16;
export const PTE_SHIFT: u32 = 5;

export const PERM_READ: u32 = 1;
export const PERM_WRITE: u32 = 2;
export const PERM_EXECUTE: u32 = 4;

// ---- pools: fixed-stride records out of chunks --------------------------------------------------
//   | free list | bump | bump end | spare | fresh chunks | spare to keep | stride | live |
export const POOL_BYTES: u32 = 32;
export const P_FREE: u32 = 0;
export const P_BUMP: u32 = 4;
export const P_END: u32 = 8;
export const P_SPARE: u32 = 12;
export const P_FRESH: u32 = 16;
export const P_KEEP: u32 = 20;
export const P_STRIDE: u32 = 24;
export const P_LIVE: u32 = 28;
export const POOL_VMO: u32 = 0;
export const POOL_ASPACE: u32 = 1;
export const POOL_MAPPING: u32 = 2;
export const POOL_TABLE: u32 = 3;
export const POOL_TABLE_DATA: u32 = 4; // 5 classes: 128, 256, 512, 1024, 2048 bytes
export const POOL_CONTENT: u32 = 9; // 4 KiB
export const POOL_NODE: u32 = 10; // + height, 1..11
export const POOL_STORED: u32 = 22; // compressed pages
export const POOL_ZRAM: u32 = 23; // ZRAM pages
export const POOL_LOAN: u32 = 24; // borrowed frames
export const POOL_COUNT: u32 = 25;

// ---- status numbers (zx_status_t) ---------------------------------------------------------------
export const NO_MEMORY: i32 = -4;
export const OUT_OF_RANGE: i32 = -14;
export const BAD_STATE: i32 = -20;
export const TIMED_OUT: i32 = -21;
export const NOT_FOUND: i32 = -25;
export const UNAVAILABLE: i32 = -28;
export const ACCESS_DENIED: i32 = -30;
