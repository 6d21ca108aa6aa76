/*
 * Page tables: four levels of 512 entries, packed while they are sparse.
 * After assembly/tables.ts, function by function.
 */
#define TABLE_MASK (~15u)

static u32 roomOf(u32 cls) { return cls == CLASS_DENSE ? 512 : (32u << cls) - 16; }

/* Makes every entry of the look-aside buffer stale: a table went, or a permission did. */
static void tlbForget(void) { R32(H_TLB_EPOCH) += 1; }
static u32 tlbAt(u32 aspace, u32 leaf) { return H_TLB + (((leaf ^ aspace >> 6) & TLB_MASK) << 4); }

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

static void entrySet(u32 table, u32 i, u32 value) {
  u32 data = R32(table + T_DATA);
  u32 count = R16(table + T_COUNT);
  if (R8(table + T_CLASS) == CLASS_DENSE) {
    u32 at = data + (i << 2);
    R16(table + T_COUNT) = (u16)(count + (R32(at) == 0));
    R32(at) = value;
    return;
  }
  u32 rank = rankOf(data, i);
  u32 at = data + T_BITMAP + (rank << 2);
  if (!hasBit(data, i)) {
    u32a *entries = WORDS(data + T_BITMAP);
    for (u32 to = count; to > rank; to--) entries[to] = entries[to - 1];
    R32(data + (i >> 5 << 2)) |= 1u << (i & 31);
    R16(table + T_COUNT) = (u16)(count + 1);
  }
  R32(at) = value;
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

static u32 tableIndex(u64 vpn, u32 level) { return (u32)(vpn >> ((level - 1) * 9)) & 511; }

static u32 walkTables(u32 aspace, u64 vpn) {
  u32 table = R32(aspace + AS_ROOT);
  if (table == 0) return 0;
  u32 writable = PTE_W;
  for (u32 level = 4; level > 1; level--) {
    u32 entry = entryGet(table, tableIndex(vpn, level));
    if (entry == 0) return 0;
    writable &= entry;
    table = entry & TABLE_MASK;
  }
  return table | writable;
}

/* Leaf table of a virtual page | W where all levels above allow writing; 0: there is none. */
static u32 findTable(u32 aspace, u64 vpn) {
  u32 leaf = (u32)(vpn >> 9);
  u32a *at = WORDS(tlbAt(aspace, leaf));
  if (at[0] == aspace && at[1] == leaf && at[3] == R32(H_TLB_EPOCH)) return at[2];
  u32 found = walkTables(aspace, vpn);
  if (found != 0) {
    at[0] = aspace;
    at[1] = leaf;
    at[2] = found;
    at[3] = R32(H_TLB_EPOCH);
  }
  return found;
}

/* Whether the look-aside buffer alone tells that an access may pass. */
static bool tlbPasses(u32 aspace, u64 vpn, u32 need) {
  u32 leaf = (u32)(vpn >> 9);
  const u32a *at = WORDS(tlbAt(aspace, leaf));
  if (at[0] != aspace || at[1] != leaf || at[3] != R32(H_TLB_EPOCH)) return false;
  u32 found = at[2];
  u32 table = found & TABLE_MASK;
  if (R8(table + T_CLASS) != CLASS_DENSE) return false;
  u32 entry = WORDS(R32(table + T_DATA))[(u32)vpn & 511];
  return (entry & need) == need && (found & need & PTE_W) == (need & PTE_W);
}

static u32 makeTables(u32 aspace, u64 vpn, bool writable) {
  u32 table = R32(aspace + AS_ROOT);
  if (table == 0) {
    table = newTable(aspace, 4);
    R32(aspace + AS_ROOT) = table;
  }
  for (u32 level = 4; level > 1; level--) {
    u32 i = tableIndex(vpn, level);
    u32 at = entryAt(table, i);
    u32 entry = at == 0 ? 0 : R32(at);
    if (entry == 0) {
      u32 below = newTable(aspace, level - 1);
      makeRoom(table, 1);
      entrySet(table, i, below | PTE_W);
      table = below;
      continue;
    }
    u32 below = entry & TABLE_MASK;
    if (writable && (entry & PTE_W) == 0) {
      protectEntries(below, 0, 512);
      R32(at) = entry | PTE_W;
    }
    table = below;
  }
  return table;
}

static u32 needTable(u32 aspace, u64 vpn, bool writable) {
  u32 found = findTable(aspace, vpn);
  if (found != 0 && (!writable || (found & PTE_W) != 0)) return found & TABLE_MASK;
  u32 table = makeTables(aspace, vpn, writable);
  R32(tlbAt(aspace, (u32)(vpn >> 9))) = 0;
  return table;
}

static u32 missingTables(u32 aspace, u64 vpn) {
  u32 table = R32(aspace + AS_ROOT);
  if (table == 0) return 4;
  for (u32 level = 4; level > 1; level--) {
    u32 entry = entryGet(table, tableIndex(vpn, level));
    if (entry == 0) return level - 1;
    table = entry & TABLE_MASK;
  }
  return 0;
}

static u32 hitRun(u32 table, u32 i, u32 n, u32 need) {
  u32 data = R32(table + T_DATA);
  u32 run = 0;
  if (R8(table + T_CLASS) == CLASS_DENSE) {
    const u32a *from = WORDS(data + (i << 2));
    u64 pair = need | (u64)need << 32;
    while (run + 4 <= n) {
      const u64a *four = (const u64a *)(from + run);
      if ((four[0] & four[1] & pair) != pair) break;
      run += 4;
    }
    while (run < n && (from[run] & need) == need) run++;
    return run;
  }
  u32 at = data + T_BITMAP + (rankOf(data, i) << 2);
  while (run < n && hasBit(data, i + run) && (R32(at) & need) == need) {
    run++;
    at += 4;
  }
  return run;
}

static void tablesProtect(u32 table, u32 level, u64 base, u64 lo, u64 hi);

static void protectBelow(u32 table, u32 i, u32 level, u64 base, u64 lo, u64 hi) {
  u32 entry = entryGet(table, i);
  if (entry != 0) tablesProtect(entry & TABLE_MASK, level - 1, base, lo, hi);
}

static void tablesProtect(u32 table, u32 level, u64 base, u64 lo, u64 hi) {
  u32 shift = (level - 1) * 9;
  u64 step = 1ull << shift;
  u64 end = least64(hi, base + (step << 9));
  u32 first = lo <= base ? 0 : (u32)((lo - base + step - 1) >> shift);
  u32 last = (u32)((end - base) >> shift);
  if (first < last) protectEntries(table, first, last);
  if (level == 1) return;
  u32 before = lo <= base ? 0 : (u32)((lo - base) >> shift);
  if (before < first) protectBelow(table, before, level, base + before * step, lo, hi);
  if (last < 512 && last >= first && base + last * step < end) {
    protectBelow(table, last, level, base + last * step, lo, hi);
  }
}

static void tablesUnmap(u32 aspace, u32 table, u32 level, u64 base, u64 lo, u64 hi) {
  u64 step = 1ull << ((level - 1) * 9);
  u32 first = lo <= base ? 0 : (u32)((lo - base) / step);
  for (u32 i = first; i < 512; i++) {
    u64 at = base + i * step;
    if (at >= hi) return;
    if (level == 1) {
      if (entryClear(table, i)) R32(aspace + AS_PRESENT) -= 1;
      continue;
    }
    u32 entry = entryGet(table, i);
    if (entry == 0) continue;
    u32 below = entry & TABLE_MASK;
    tablesUnmap(aspace, below, level - 1, at, lo, hi);
    if (R16(below + T_COUNT) != 0) continue;
    freeTable(aspace, below);
    entryClear(table, i);
  }
}

static void aspaceUnmap(u32 aspace, u64 lo, u64 hi) {
  u32 root = R32(aspace + AS_ROOT);
  if (root == 0) return;
  tablesUnmap(aspace, root, 4, 0, lo, hi);
  if (R16(root + T_COUNT) != 0) return;
  freeTable(aspace, root);
  R32(aspace + AS_ROOT) = 0;
}

static void pteClear(u32 aspace, u64 vpn) {
  if (findTable(aspace, vpn) != 0) aspaceUnmap(aspace, vpn, vpn + 1);
}
