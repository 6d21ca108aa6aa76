/*
 * What a pass is compared with: reading, and counting, in the plainest way the machine has.
 */


/* Bytes read by the last of these, and what they added up to (so that nothing is left out). */
static u64 readBytes;
static u64 readSum;

static inline u32 sumWords(u32 at, u64 bytes) {
  const u32a *words = WORDS(at);
  u32 sum = 0;
  for (u64 i = 0; i < bytes / 4; i++) sum += words[i];
  readBytes += bytes;
  return sum;
}

/* The four columns of `n` frames from `first` on. */
TIMED static void readFrames(u32 first, u32 n) {
  for (u32 field = H_FRAME_A; field <= H_FRAME_D; field += 4) {
    readSum += sumWords(R32(field) + (first << 2), (u64)n * 4);
  }
}

/* Slots and header of every living node, chunk by chunk. */
TIMED static void readNodes(void) {
  for (u32 h = 1; h <= R32(H_MAX_HEIGHT); h++) {
    for (u32 c = R32(H_NODE_CHUNKS + (h << 2)); c != 0; c = R32(c + NC_NEXT)) {
      for (u32 n = 0; n < NODES_PER_CHUNK; n++) {
        u32 header = c + NC_HEADERS + n * NH_BYTES;
        if (R32(header + NH_REFS) == 0) continue;
        readSum += sumWords(header, NH_BYTES) + sumWords(c + (n << NODE_SHIFT), NODE_BYTES);
      }
    }
  }
}

/* ---- present entries in an array ----------------------------------------------------------- */
static u32a *entryArray;
static u32a *countArray;
static u32 entryCount;
static u32 frameCount;

/* `spaces` address spaces that show the same `shared` frames, and `own` frames of each. */
static void entriesMake(u32 spaces, u32 shared, u32 own) {
  free(entryArray);
  free(countArray);
  entryCount = spaces * (shared + own);
  frameCount = 1 + shared + spaces * own;
  entryArray = malloc((u64)entryCount * 4);
  countArray = malloc((u64)frameCount * 4);
  u32 next = 0;
  for (u32 s = 0; s < spaces; s++) {
    for (u32 i = 0; i < shared; i++) entryArray[next++] = (1 + i) << PTE_SHIFT | PTE_P | PTE_A;
    for (u32 i = 0; i < own; i++) {
      entryArray[next++] = (1 + shared + s * own + i) << PTE_SHIFT | PTE_P | PTE_A;
    }
  }
}

/* `count` entries of a real system, on `frames` frames, from a file of words. */
static bool entriesRead(const char *file, u32 count, u32 frames) {
  free(entryArray);
  free(countArray);
  entryCount = count;
  frameCount = frames;
  entryArray = malloc((u64)count * 4);
  countArray = malloc((u64)frames * 4);
  FILE *from = fopen(file, "rb");
  bool whole = from != NULL && fread(entryArray, 4, count, from) == count;
  if (from != NULL) fclose(from);
  return whole;
}

TIMED static void entriesCount(void) {
  memset(countArray, 0, (u64)frameCount * 4);
  for (u32 i = 0; i < entryCount; i++) {
    u32 entry = entryArray[i];
    if ((entry & PTE_P) != 0) countArray[entry >> PTE_SHIFT] += 1;
  }
  readSum += countArray[1];
}

/* Reads the shares back, in the kernel's arithmetic. */
TIMED static void entriesShares(void) {
  u64 sum = 0;
  for (u32 i = 0; i < entryCount; i++) {
    u32 entry = entryArray[i];
    if ((entry & PTE_P) != 0) sum += (1u << 24) / countArray[entry >> PTE_SHIFT];
  }
  readSum += sum;
}
