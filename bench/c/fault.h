/*
 * The page fault: commit, resolve; one page, runs, and spans that step over hits first.
 * After assembly/commit.ts and assembly/fault.ts, function by function.
 */
/* ---- making pages a VMO's own -------------------------------------------------------------- */
static void copyContent(u32 source, u32 frame) {
  u32 from = R32(R32(H_FRAME_C) + (source << 2)) >> 12;
  if (from == 0) return;
  u32 slot = poolAlloc(POOL_CONTENT);
  R32(R32(H_FRAME_C) + (frame << 2)) |= slot;
  R32(H_CONTENTS) += 1;
  memcpy(AT(slot), AT(from << 12), PAGE_BYTES);
}

static u32 commitRun(u32 vmo, u64 key, u32 n, u32 mapping) {
  u32 leaf = exclusiveLeaf(vmo, key);
  u32 first = (u32)key & 31;
  u32 header = headerOf(leaf);
  u32 mask = R32(header + NH_MASK);
  u64 live = R32(vmo + V_PARENT) != 0 ? R64(vmo + V_LIMIT) : 0;
  bool watched = R32(vmo + V_MAP_COUNT) > (mapping != 0) || R32(vmo + V_CHILD) != 0;
  u32a *columnA = WORDS(R32(H_FRAME_A));
  u32a *columnB = WORDS(R32(H_FRAME_B));
  u32a *columnC = WORDS(R32(H_FRAME_C));
  u32a *columnD = WORDS(R32(H_FRAME_D));
  u32a *slots = WORDS(leaf);
  u32 family = R32(vmo + V_FAMILY);
  u32 b = ST_OBJECT | ((u32)(key >> 22) << B_KEY_SHIFT);
  u32 c = family & 0xfff;
  u32 d = family >> 12 << 22;
  i32 added = 0;
  i32 taken = 0;
  for (u32 j = 0; j < n; j++) {
    u32 i = first + j;
    u32 slot = slots[i];
    u32 source = 0;
    if (isChild(slot)) {
      if ((mask >> i & 1) == 0) continue;
      mask &= ~(1u << i);
      u32 refs = columnA[slot];
      if ((refs & A_REF_MASK) == 1) continue;
      columnA[slot] = refs - 1;
      source = slot;
    } else {
      added++;
      if (slot == 0 && key + j < live) source = seenFrame(vmo, key + j);
    }
    u32 frame = frameTake();
    taken++;
    columnA[frame] = 1;
    columnB[frame] = b;
    columnC[frame] = c;
    columnD[frame] = d | ((u32)(key + j) & 0x3fffff);
    slots[i] = frame;
    if (source != 0) copyContent(source, frame);
    if (watched && (source != 0 || zeroMayBeMapped(vmo))) dropOthers(vmo, key + j, mapping);
  }
  if (taken != 0) {
    stateAdd(ST_FREE, -taken);
    stateAdd(ST_OBJECT, taken);
  }
  R32(header + NH_MASK) = mask;
  if (added != 0 || mask == 0) settlePath(R8(vmo + V_HEIGHT), added);
  return leaf;
}

static void commitKeys(u32 vmo, u64 lo, u64 hi) {
  for (u64 key = lo; key < hi;) {
    u32 n = (u32)least64(FANOUT - ((u32)key & (FANOUT - 1)), hi - key);
    commitRun(vmo, key, n, 0);
    key += n;
  }
}

/* ---- faults -------------------------------------------------------------------------------- */
static u32 needOf(u32 access) {
  if ((access & PERM_WRITE) != 0) return PTE_P | PTE_W | PTE_A | PTE_D;
  return (access & PERM_EXECUTE) != 0 ? PTE_P | PTE_X | PTE_A : PTE_P | PTE_A;
}

static i32 checkAccess(u32 m, u64 vpn, u64 n, u32 access) {
  if ((access & ~R32(m + M_PERMS)) != 0) return ACCESS_DENIED;
  u32 vmo = R32(m + M_VMO);
  u64 key = R64(m + M_KEY) + (vpn - mappingBase(m));
  if (key + n > vmoBase(vmo) + vmoSize(vmo)) return OUT_OF_RANGE;
  return 0;
}

static u64 tablesNeeded(u32 aspace, u64 vpn, u64 n) {
  u64 needed = 0;
  for (u64 at = vpn; at < vpn + n; at = (at | 511) + 1) {
    u32 missing = missingTables(aspace, at);
    bool first = at == vpn;
    if (missing > 0) needed++;
    if (missing > 1 && (first || (at & 0x3ffff) == 0)) needed++;
    if (missing > 2 && (first || (at & 0x7ffffff) == 0)) needed++;
    if (missing > 3 && first) needed++;
  }
  return needed;
}

static i32 prepare(u32 aspace, u64 vpn, u64 n, u32 access) {
  u64 end = vpn + n;
  for (u64 at = vpn; at < end;) {
    u32 m = findMapping(aspace, at);
    if (m == 0) return NOT_FOUND;
    u64 run = least64(end, mappingEnd(m)) - at;
    i32 status = checkAccess(m, at, run, access);
    if (status < 0) return status;
    at += run;
  }
  if (!ready() || !reserveTables(n)) return NO_MEMORY;
  u64 tables = (n >> 9) + (n >> 18) + 8;
  u64 frames = tables;
  u64 contents = 0;
  if ((access & PERM_WRITE) != 0) {
    bool ample = R32(H_CONTENTS) == 0 && frames + n <= freeFrames();
    for (u64 at = vpn; at < end;) {
      u32 m = findMapping(aspace, at);
      u64 run = least64(end, mappingEnd(m)) - at;
      u32 vmo = R32(m + M_VMO);
      u64 key = R64(m + M_KEY) + (at - mappingBase(m));
      if (R8(vmo + V_KIND) != VK_PHYSICAL) {
        u64 needs = ample ? 0 : writeNeeds(vmo, key, key + run);
        frames += needs & 0xffffffff;
        contents += needs >> 32;
        if (!reserveNodes(run, key + run)) return NO_MEMORY;
      }
      at += run;
    }
  }
  if (frames > freeFrames()) frames -= tables - tablesNeeded(aspace, vpn, n);
  if (frames > freeFrames() || !reserveContents((u32)contents)) return NO_MEMORY;
  return 0;
}

static void readRun(u32 table, u32 i, u32 vmo, u64 key, u32 n, u32 base, u32 write) {
  u32 found = findLeaf(vmoRoot(vmo), vmoHeight(vmo), key);
  u32 leaf = found & ~1u;
  u32 first = (u32)key & 31;
  u32 mask = leaf == 0 ? 0 : R32(headerOf(leaf) + NH_MASK);
  const u32a *columnA = WORDS(R32(H_FRAME_A));
  const u32a *slots = WORDS(leaf);
  bool zero = false;
  u64 live = R32(vmo + V_PARENT) != 0 ? R64(vmo + V_LIMIT) : 0;
  for (u32 j = 0; j < n; j++) {
    u32 slot = leaf == 0 ? 0 : slots[first + j];
    u32 entry = base;
    if (isChild(slot)) {
      entry |= slot << PTE_SHIFT;
      bool own = (mask >> (first + j) & 1) == 0
        || (columnA[slot] & A_REF_MASK) == 1;
      if ((found & 1) == 0 && own) entry |= write;
    } else if (key + j < live) entry |= seenFrame(vmo, key + j) << PTE_SHIFT;
    zero = zero || entry >> PTE_SHIFT == 0;
    entrySet(table, i + j, entry);
  }
  if (zero) noteZeroMapped(vmo);
}

static u32 resolve(u32 aspace, u32 m, u64 vpn, u32 n, u32 access) {
  u32 vmo = R32(m + M_VMO);
  if (R8(vmo + V_KIND) == VK_PHYSICAL) return n;
  u64 key = R64(m + M_KEY) + (vpn - mappingBase(m));
  bool write = (access & PERM_WRITE) != 0;
  u32 perms = R32(m + M_PERMS);
  u32 base = PTE_P | PTE_A | ((perms & PERM_EXECUTE) != 0 ? PTE_X : 0);
  u32 run = least32(n, 32 - ((u32)key & 31));
  u32 leaf = write ? commitRun(vmo, key, run, m) + (((u32)key & 31) << 2) : 0;
  u32 table = needTable(aspace, vpn, write);
  makeRoom(table, n);
  u32 before = R16(table + T_COUNT);
  u32 i = (u32)vpn & 511;
  if (write) {
    const u32a *frames = WORDS(leaf);
    u32 flags = base | PTE_W | PTE_D;
    for (u32 j = 0; j < run; j++) entrySet(table, i + j, frames[j] << PTE_SHIFT | flags);
  } else readRun(table, i, vmo, key, run, base, (perms & PERM_WRITE) != 0 ? PTE_W : 0);
  R32(aspace + AS_PRESENT) += R16(table + T_COUNT) - before;
  return run;
}

static void faultRun(u32 aspace, u64 vpn, u32 n, u32 access) {
  u32 need = needOf(access);
  u64 end = vpn + n;
  u64 at = vpn;
  while (at < end) {
    u32 i = (u32)at & 511;
    u32 room = (u32)least64(512 - i, end - at);
    u32 found = findTable(aspace, at);
    if (found != 0 && ((need & PTE_W) == 0 || (found & PTE_W) != 0)) {
      u32 hits = hitRun(found & TABLE_MASK, i, room, need);
      at += hits;
      if (hits == room) continue;
    }
    u32 m = findMapping(aspace, at);
    u64 run = least64(least64(end, mappingEnd(m)), (at | 511) + 1) - at;
    at += resolve(aspace, m, at, (u32)run, access);
  }
}

/* A range of at most 65,536 pages: what needs no fault is stepped over before anything else. */
static i32 faultSpan(u32 aspace, u64 vpn, u32 n, u32 access) {
  u32 need = needOf(access);
  u32 done = 0;
  while (done < n) {
    u64 at = vpn + done;
    u32 found = findTable(aspace, at);
    if (found == 0 || ((need & PTE_W) != 0 && (found & PTE_W) == 0)) break;
    u32 i = (u32)at & 511;
    u32 room = least32(512 - i, n - done);
    u32 hits = hitRun(found & TABLE_MASK, i, room, need);
    done += hits;
    if (hits < room) break;
  }
  if (done == n) return (i32)n;
  i32 status = prepare(aspace, vpn + done, n - done, access);
  if (status < 0) return status;
  faultRun(aspace, vpn + done, n - done, access);
  return (i32)n;
}

static i32 faultOne(u32 aspace, u64 vpn, u32 access) {
  u32 need = needOf(access);
  if (tlbPasses(aspace, vpn, need)) return 0;
  u32 found = findTable(aspace, vpn);
  if (found != 0) {
    u32 entry = entryGet(found & TABLE_MASK, (u32)vpn & 511);
    if ((entry & need) == need && ((need & PTE_W) == 0 || (found & PTE_W) != 0)) return 0;
  }
  u32 m = findMapping(aspace, vpn);
  if (m == 0) return NOT_FOUND;
  i32 status = checkAccess(m, vpn, 1, access);
  if (status < 0) return status;
  if (!ready() || !admitKey(R64(m + M_KEY) + (vpn - mappingBase(m)))) return NO_MEMORY;
  if (freeFrames() < 6) {
    i32 tight = prepare(aspace, vpn, 1, access);
    if (tight < 0) return tight;
  }
  resolve(aspace, m, vpn, 1, access);
  return 0;
}
