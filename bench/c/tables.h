/*
 * One page table: 512 entries, packed while they are sparse. After assembly/tables.ts.
 */
#define TABLE_MASK (~15u)

static u32 roomOf(u32 cls) { return cls == CLASS_DENSE ? 512 : (32u << cls) - 16; }

/* Makes every entry of the look-aside buffer stale: a table went, or a permission did. */
static void tlbForget(void) { R32(H_TLB_EPOCH) += 1; }

static u32 newTable(u32 aspace, u32 level) {
  u32 table = poolAlloc(POOL_TABLE);
  u32 data = poolAlloc(POOL_TABLE_DATA);
  u32 frame = frameAlloc(ST_MMU);
  fill(data, 0, T_BITMAP);
  R32(table + T_DATA) = data;
  R32(table + T_FRAME) = frame;
  R16(table + T_COUNT) = 0;
  R8(table + T_CLASS) = 0;
  R8(table + T_LEVEL) = (u8)level;
  R32(aspace + AS_TABLES) += 1;
  return table;
}

static void freeTable(u32 aspace, u32 table) {
  tlbForget();
  frameFree(R32(table + T_FRAME));
  poolFree(POOL_TABLE_DATA + R8(table + T_CLASS), R32(table + T_DATA));
  poolFree(POOL_TABLE, table);
  R32(aspace + AS_TABLES) -= 1;
}

static u32 rankOf(u32 data, u32 i) {
  u32 n = 0;
  const u64a *bits = WIDE_WORDS(data);
  u32 word = i >> 6;
  for (u32 w = 0; w < word; w++) n += (u32)__builtin_popcountll(bits[w]);
  return n + (u32)__builtin_popcountll(bits[word] & ((1ull << (i & 63)) - 1));
}

static bool hasBit(u32 data, u32 i) { return (R32(data + (i >> 5 << 2)) >> (i & 31) & 1) != 0; }

static u32 entryAt(u32 table, u32 i) {
  u32 data = R32(table + T_DATA);
  if (R8(table + T_CLASS) == CLASS_DENSE) return data + (i << 2);
  return hasBit(data, i) ? data + T_BITMAP + (rankOf(data, i) << 2) : 0;
}

static u32 entryGet(u32 table, u32 i) {
  u32 at = entryAt(table, i);
  return at == 0 ? 0 : R32(at);
}

/* Index of the first entry from `i` on that is there; 512 when none is. */
static u32 nextEntry(u32 table, u32 i) {
  u32 data = R32(table + T_DATA);
  if (R8(table + T_CLASS) == CLASS_DENSE) {
    while (i < 512 && R32(data + (i << 2)) == 0) i++;
    return i;
  }
  for (; i < 512; i = (i | 63) + 1) {
    u64 bits = R64(data + (i >> 6 << 3)) >> (i & 63);
    if (bits != 0) return i + (u32)__builtin_ctzll(bits);
  }
  return 512;
}

static void growTable(u32 table, u32 cls) {
  u32 old = R32(table + T_DATA);
  u32 oldClass = R8(table + T_CLASS);
  u32 data = poolAlloc(POOL_TABLE_DATA + cls);
  if (cls == CLASS_DENSE) {
    fill(data, 0, 2048);
    const u32a *from = WORDS(old + T_BITMAP);
    const u32a *bitmap = WORDS(old);
    u32a *to = WORDS(data);
    for (u32 w = 0; w < 16; w++) {
      u32 bits = bitmap[w];
      while (bits != 0) {
        to[(w << 5) + (u32)__builtin_ctz(bits)] = *from++;
        bits &= bits - 1;
      }
    }
  } else {
    copy(data, old, T_BITMAP + (roomOf(oldClass) << 2));
  }
  poolFree(POOL_TABLE_DATA + oldClass, old);
  R32(table + T_DATA) = data;
  R8(table + T_CLASS) = (u8)cls;
}

static void makeRoom(u32 table, u32 more) {
  u32 want = R16(table + T_COUNT) + more;
  u32 cls = R8(table + T_CLASS);
  if (cls == CLASS_DENSE || want <= roomOf(cls)) return;
  while (cls < CLASS_DENSE && want > roomOf(cls)) cls++;
  growTable(table, cls);
}

static void makeRoomFor(u32 table, u32 i, u32 n) {
  u32 cls = R8(table + T_CLASS);
  if (cls == CLASS_DENSE || R16(table + T_COUNT) + n <= roomOf(cls)) return;
  u32 data = R32(table + T_DATA);
  u32 end = i + n == 512 ? R16(table + T_COUNT) : rankOf(data, i + n);
  makeRoom(table, n - (end - rankOf(data, i)));
}

/* Address for the entries [i, i + n), at most 32, in a packed table; 0: only some are there. */
static u32 packedPlace(u32 table, u32 data, u32 i, u32 n) {
  u32 word = data + (i >> 5 << 2);
  u64 bits = ((1ull << n) - 1) << (i & 31);
  u64 there = R64(word) & bits;
  u32 at = data + T_BITMAP + (rankOf(data, i) << 2);
  if (there == bits) return at;
  if (there != 0) return 0;
  u32 count = R16(table + T_COUNT);
  copy(at + (n << 2), at, data + T_BITMAP + (count << 2) - at);
  R64(word) |= bits;
  R16(table + T_COUNT) = (u16)(count + n);
  return at;
}

static void entrySet(u32 table, u32 i, u32 value) {
  u32 data = R32(table + T_DATA);
  if (R8(table + T_CLASS) != CLASS_DENSE) {
    R32(packedPlace(table, data, i, 1)) = value;
    return;
  }
  u32 at = data + (i << 2);
  R16(table + T_COUNT) += R32(at) == 0;
  R32(at) = value;
}

static void framesToEntries(u32 to, u32 n, u32 frames, u32 flags) {
  u32a *entries = WORDS(to);
  const u32a *from = WORDS(frames);
  for (u32 j = 0; j < n; j++) entries[j] = from[j] << PTE_SHIFT | flags;
}

static u32 countZeros(u32 at, u32 n) {
  const u32a *words = WORDS(at);
  u32 zeros = 0;
  for (u32 j = 0; j < n; j++) zeros += words[j] == 0;
  return zeros;
}

static void entriesSet(u32 table, u32 i, u32 n, u32 frames, u32 flags) {
  u32 data = R32(table + T_DATA);
  if (R8(table + T_CLASS) == CLASS_DENSE) {
    u32 at = data + (i << 2);
    u32 fresh = countZeros(at, n);
    if (fresh != 0) R16(table + T_COUNT) += (u16)fresh;
    framesToEntries(at, n, frames, flags);
    return;
  }
  u32 place = packedPlace(table, data, i, n);
  if (place != 0) {
    framesToEntries(place, n, frames, flags);
    return;
  }
  const u32a *from = WORDS(frames);
  for (u32 j = 0; j < n; j++) entrySet(table, i + j, from[j] << PTE_SHIFT | flags);
}

static bool entryClear(u32 table, u32 i) {
  u32 data = R32(table + T_DATA);
  u32 count = R16(table + T_COUNT);
  if (R8(table + T_CLASS) == CLASS_DENSE) {
    if (R32(data + (i << 2)) == 0) return false;
    R32(data + (i << 2)) = 0;
  } else {
    if (!hasBit(data, i)) return false;
    u32 rank = rankOf(data, i);
    u32 at = data + T_BITMAP + (rank << 2);
    copy(at, at + 4, (u64)(count - rank - 1) << 2);
    R32(data + (i >> 5 << 2)) &= ~(1u << (i & 31));
  }
  R16(table + T_COUNT) = (u16)(count - 1);
  return true;
}

/* Clears W in the entries [first, end) of a table. */
static void protectEntries(u32 table, u32 first, u32 end) {
  u32 data = R32(table + T_DATA);
  u32a *entries = WORDS(data);
  if (R8(table + T_CLASS) != CLASS_DENSE) {
    entries += T_BITMAP / 4;
    end = end == 512 ? R16(table + T_COUNT) : rankOf(data, end);
    first = rankOf(data, first);
  }
  for (u32 i = first; i < end; i++) entries[i] &= ~PTE_W;
}
