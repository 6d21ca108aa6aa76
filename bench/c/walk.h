/*
 * Walking the four levels of page tables: find, make, protect, unmap, and the look-aside buffer of
 * leaf tables. After assembly/walk.ts, function by function.
 */
static u32 tlbAt(u32 aspace, u32 leaf) { return H_TLB + (((leaf ^ aspace >> 6) & TLB_MASK) << 4); }
static u32 tableIndex(u64 vpn, u32 level) { return (u32)(vpn >> ((level - 1) * 9)) & 511; }

static u32 walkAt(u32 aspace, u32 giga) {
  return H_WALKS + (((giga ^ aspace >> 6) & WALKS_MASK) << 4);
}

static u32 walkAbove(u32 aspace, u64 vpn, u32a *line) {
  u32 table = R32(aspace + AS_ROOT);
  if (table == 0) return 0;
  u32 writable = PTE_W;
  for (u32 level = 4; level > 2; level--) {
    u32 entry = entryGet(table, tableIndex(vpn, level));
    if (entry == 0) return 0;
    writable &= entry;
    table = entry & TABLE_MASK;
  }
  line[0] = aspace;
  line[1] = (u32)(vpn >> 18);
  line[2] = table | writable;
  line[3] = R32(H_TLB_EPOCH);
  return table | writable;
}

static u32 walkTables(u32 aspace, u64 vpn) {
  u32 giga = (u32)(vpn >> 18);
  u32a *at = WORDS(walkAt(aspace, giga));
  bool known = at[0] == aspace && at[1] == giga && at[3] == R32(H_TLB_EPOCH);
  u32 above = known ? at[2] : walkAbove(aspace, vpn, at);
  if (above == 0) return 0;
  return entryGet(above & TABLE_MASK, tableIndex(vpn, 2)) & (above | ~PTE_W);
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

/* As far as the look-aside buffer alone tells it, and only of a dense table. 0 means nothing. */
static u32 knownDense(u32 aspace, u64 vpn) {
  u32 leaf = (u32)(vpn >> 9);
  const u32a *at = WORDS(tlbAt(aspace, leaf));
  if (at[0] != aspace || at[1] != leaf || at[3] != R32(H_TLB_EPOCH)) return 0;
  return R8((at[2] & TABLE_MASK) + T_CLASS) == CLASS_DENSE ? at[2] : 0;
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
  R32(walkAt(aspace, (u32)(vpn >> 18))) = 0;
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
  for (u32 i = nextEntry(table, first); i < 512; i = nextEntry(table, i + 1)) {
    u64 at = base + i * step;
    if (at >= hi) return;
    if (level == 1) {
      entryClear(table, i);
      R32(aspace + AS_PRESENT) -= 1;
      continue;
    }
    u32 below = entryGet(table, i) & TABLE_MASK;
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
