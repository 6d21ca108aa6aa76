/*
 * The page fault: commit, resolve; one page, runs, and spans that step over hits first.
 * After assembly/commit.ts, assembly/fault.ts and assembly/single.ts, for the kinds of VMOs that rows
 * have: contiguous, discardable and pager-backed ones are not here, nor what asks for them.
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

static u32 wordB(u64 key) { return ST_OBJECT | ((u32)(key >> 22) << B_KEY_SHIFT); }
static u32 wordD(u32 family, u64 key) { return family >> 12 << 22 | ((u32)key & 0x3fffff); }

static void nameFrame(u32 vmo, u64 key, u32 frame) {
  u32 family = R32(vmo + V_FAMILY);
  R32(frameA(frame)) = 1;
  R32(frameB(frame)) = wordB(key);
  R32(frameC(frame)) = family & 0xfff;
  R32(frameD(frame)) = wordD(family, key);
}

static u32 takeFrame(u32 vmo, u64 key) {
  u32 frame = frameTake();
  nameFrame(vmo, key, frame);
  return frame;
}

static void fillWords(u32 at, u32 n, u32 first, u32 step) {
  u32a *words = WORDS(at);
  for (u32 j = 0; j < n; j++) words[j] = first + j * step;
}

static void takeRow(u32 vmo, u64 key, u32 n, u32 slots) {
  u32 frame = R32(H_FRAME_BUMP);
  R32(H_FRAME_BUMP) = frame + n;
  u32 family = R32(vmo + V_FAMILY);
  fillWords(R32(H_FRAME_A) + (frame << 2), n, 1, 0);
  fillWords(R32(H_FRAME_B) + (frame << 2), n, wordB(key), 0);
  fillWords(R32(H_FRAME_C) + (frame << 2), n, family & 0xfff, 0);
  fillWords(R32(H_FRAME_D) + (frame << 2), n, wordD(family, key), 1);
  fillWords(slots, n, frame, 1);
}

static void takeEach(u32 vmo, u64 key, u32 n, u32 slots) {
  for (u32 j = 0; j < n; j++) R32(slots + (j << 2)) = takeFrame(vmo, key + j);
}

static u32 countChildren(u32 slots, u32 n) {
  const u32a *at = WORDS(slots);
  u32 there = 0;
  for (u32 j = 0; j < n; j++) there += isChild(at[j]);
  return there;
}

static u32 commitMixed(u32 vmo, u64 key, u32 n, u32 leaf) {
  u32 header = headerOf(leaf);
  u32 first = (u32)key & 31;
  u32a *columnA = WORDS(R32(H_FRAME_A));
  u32a *slots = WORDS(leaf);
  u32 mask = R32(header + NH_MASK);
  u32 added = 0;
  i32 taken = 0;
  for (u32 i = first; i < first + n; i++) {
    u32 slot = slots[i];
    if (!isChild(slot)) added++;
    else {
      if ((mask >> i & 1) == 0) continue;
      mask &= ~(1u << i);
      u32 refs = columnA[slot];
      if ((refs & A_REF_MASK) == 1) continue;
      columnA[slot] = refs - 1;
    }
    slots[i] = takeFrame(vmo, key + (i - first));
    taken++;
  }
  R32(header + NH_MASK) = mask;
  stateAdd(ST_FREE, -taken);
  stateAdd(ST_OBJECT, taken);
  return added;
}

static u32 commitPlain(u32 vmo, u64 key, u32 n, u32 leaf, u32 borrowed) {
  u32 slots = leaf + (((u32)key & 31) << 2);
  u32 there = R32(headerOf(leaf) + NH_COUNT) == 0 ? 0 : countChildren(slots, n);
  if (there != 0 && borrowed == 0) return commitMixed(vmo, key, n, leaf);
  if (R32(H_FRAME_FREE) != 0) takeEach(vmo, key, n, slots);
  else takeRow(vmo, key, n, slots);
  stateAdd(ST_FREE, -(i32)n);
  stateAdd(ST_OBJECT, (i32)n);
  return n - there;
}

static u32 commitWatched(u32 vmo, u64 key, u32 n, u32 leaf, u32 borrowed, u32 mapping) {
  u32 header = headerOf(leaf);
  u32 first = (u32)key & 31;
  u64 live = R32(vmo + V_PARENT) != 0 ? R64(vmo + V_LIMIT) : 0;
  bool watched = R32(vmo + V_MAP_COUNT) > (mapping != 0) || R32(vmo + V_CHILD) != 0;
  u32 mask = R32(header + NH_MASK);
  u32 added = 0;
  i32 taken = 0;
  for (u32 j = 0; j < n; j++) {
    u32 i = first + j;
    u32 slot = R32(leaf + (i << 2));
    u32 source = 0;
    if (!isChild(slot)) {
      added++;
      if (slot == 0 && key + j < live) source = seenFrame(vmo, key + j);
    } else {
      source = slot;
      if (borrowed == 0) {
        if ((mask >> i & 1) == 0) continue;
        mask &= ~(1u << i);
        u32 refs = R32(frameA(slot));
        if ((refs & A_REF_MASK) == 1) continue;
        R32(frameA(slot)) = refs - 1;
      }
    }
    u32 frame = takeFrame(vmo, key + j);
    taken++;
    R32(leaf + (i << 2)) = frame;
    if (source != 0) copyContent(source, frame);
    if (watched && (source != 0 || zeroMayBeMapped(vmo))) dropOthers(vmo, key + j, mapping);
  }
  R32(header + NH_MASK) = mask;
  stateAdd(ST_FREE, -taken);
  stateAdd(ST_OBJECT, taken);
  return added;
}

static u32 commitRun(u32 vmo, u64 key, u32 n, u32 mapping) {
  u32 run = (n == FANOUT ? ~0u : (1u << n) - 1) << ((u32)key & 31);
  u32 found = exclusiveLeaf(vmo, key, run);
  u32 leaf = found & ~1u;
  bool plain = R32(vmo + V_MAP_COUNT) <= (mapping != 0) && R32(vmo + V_CHILD) == 0
    && R32(vmo + V_PARENT) == 0 && R32(H_CONTENTS) == 0;
  u32 added = plain ? commitPlain(vmo, key, n, leaf, found & 1)
    : commitWatched(vmo, key, n, leaf, found & 1, mapping);
  if (added != 0 || R32(headerOf(leaf) + NH_MASK) == 0) settlePath(R8(vmo + V_HEIGHT), (i32)added);
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
  return PTE_P | PTE_A | ((access & PERM_WRITE) != 0 ? PTE_W | PTE_D : 0)
    | ((access & PERM_EXECUTE) != 0 ? PTE_X : 0);
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
    u32 there = entryGet(table, i + j);
    if ((there & PTE_P) != 0) {
      if ((there & PTE_A) == 0) entrySet(table, i + j, there | PTE_A);
      continue;
    }
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

static u32 writeLeaves(u32 aspace, u32 m, u32 vmo, u64 vpn, u64 key, u32 n, u32 flags) {
  u32 done = 0;
  do {
    u32 at = ((u32)key + done) & 31;
    u32 run = least32(n - done, FANOUT - at);
    u32 leaf = commitRun(vmo, key + done, run, m);
    u32 table = needTable(aspace, vpn + done, true);
    u32 i = (u32)(vpn + done) & 511;
    makeRoomFor(table, i, n - done);
    u32 before = R16(table + T_COUNT);
    entriesSet(table, i, run, leaf + (at << 2), flags);
    R32(aspace + AS_PRESENT) += R16(table + T_COUNT) - before;
    done += run;
    if (done < n && (entryGet(table, i + run) & flags) == flags) break;
  } while (done < n);
  return done;
}

static u32 resolve(u32 aspace, u32 m, u64 vpn, u32 n, u32 access) {
  u32 vmo = R32(m + M_VMO);
  if (R8(vmo + V_KIND) == VK_PHYSICAL) return n;
  u64 key = R64(m + M_KEY) + (vpn - mappingBase(m));
  u32 perms = R32(m + M_PERMS);
  u32 base = PTE_P | PTE_A | ((perms & PERM_EXECUTE) != 0 ? PTE_X : 0);
  if ((access & PERM_WRITE) != 0)
    return writeLeaves(aspace, m, vmo, vpn, key, n, base | PTE_W | PTE_D);
  u32 table = needTable(aspace, vpn, false);
  makeRoomFor(table, (u32)vpn & 511, n);
  u32 before = R16(table + T_COUNT);
  u32 run = least32(n, FANOUT - ((u32)key & 31));
  u32 write = (perms & PERM_WRITE) != 0 ? PTE_W : 0;
  readRun(table, (u32)vpn & 511, vmo, key, run, base, write);
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

/* ---- one page written, the common way: after assembly/single.ts ------------------------------- */
static bool isPlain(u32 vmo) {
  return R8(vmo + V_KIND) != VK_PHYSICAL && R32(vmo + V_MAP_COUNT) == 1
    && R32(vmo + V_CHILD) == 0 && R32(vmo + V_PARENT) == 0 && R32(H_CONTENTS) == 0
    && R32(H_LOW) == 0 && R32(H_FRAME_FREE) == 0;
}

static u32 ownPage(u32 vmo, u32 height, u64 key, u32 leaf) {
  u32 i = (u32)key & 31;
  u32 slot = R32(leaf + (i << 2));
  u32 header = headerOf(leaf);
  u32 mask = R32(header + NH_MASK);
  u32 rest = mask & ~(1u << i);
  i32 added = 1;
  if (slot != 0) {
    if (!isChild(slot)) return 0;
    if (rest == mask) return slot;
    added = 0;
    u32 refs = frameA(slot);
    u32 count = R32(refs);
    R32(header + NH_MASK) = rest;
    if ((count & A_REF_MASK) == 1) {
      if (rest == 0) settlePath(height, 0);
      return slot;
    }
    R32(refs) = count - 1;
  }
  u32 frame = R32(H_FRAME_BUMP);
  R32(H_FRAME_BUMP) = frame + 1;
  nameFrame(vmo, key, frame);
  R32(leaf + (i << 2)) = frame;
  stateAdd(ST_FREE, -1);
  stateAdd(ST_OBJECT, 1);
  if (added != 0 || rest == 0) settlePath(height, added);
  return frame;
}

static bool writeOne(u32 aspace, u64 vpn, u32 found) {
  u32 m = R32(aspace + AS_LAST);
  if (m == 0) return false; // nothing may be read at 0 here
  u32 perms = R32(m + M_PERMS);
  if ((perms & found & PERM_WRITE) == 0) return false;
  u64 page = vpn - R64(m + M_BASE);
  if (page >= R64(m + M_PAGES)) return false;
  u32 vmo = R32(m + M_VMO);
  u64 key = R64(m + M_KEY) + page;
  if (key >= R64(vmo + V_BASE) + R64(vmo + V_SIZE)) return false;
  if (!isPlain(vmo) || freeFrames() < 6) return false;
  u32 table = found & TABLE_MASK;
  u32 cls = R8(table + T_CLASS);
  u32 before = R16(table + T_COUNT);
  if (cls != CLASS_DENSE && before >= roomOf(cls)) return false;
  u32 height = R8(vmo + V_HEIGHT);
  u32 root = R32(vmo + V_ROOT);
  if (!isChild(root) || beyond(height, key)) return false;
  u32 leaf = nodeOf(root);
  if (nodeRefs(leaf) != 1) return false;
  R32(H_PATH_VMO) = 0;
  u64 digits = key << (64 - height * FANOUT_BITS);
  for (u32 path = H_PATH + (height << 2); path > H_PATH + 4; path -= 4) {
    R32(path) = leaf;
    u32 slot = R32(leaf + ((u32)(digits >> (64 - FANOUT_BITS)) << 2));
    digits <<= FANOUT_BITS;
    if (!isChild(slot)) return false;
    leaf = nodeOf(slot);
    if (nodeRefs(leaf) != 1) return false;
  }
  R32(H_PATH + 4) = leaf;
  R32(H_PATH_VMO) = vmo;
  R64(H_PATH_LEAF) = key >> FANOUT_BITS;
  u32 frame = ownPage(vmo, height, key, leaf);
  if (frame == 0) return false;
  u32 flags = PTE_P | PTE_A | PTE_W | PTE_D | ((perms & PERM_EXECUTE) != 0 ? PTE_X : 0);
  entrySet(table, (u32)vpn & 511, frame << PTE_SHIFT | flags);
  R32(aspace + AS_PRESENT) += R16(table + T_COUNT) - before;
  return true;
}

static i32 faultSlow(u32 aspace, u64 vpn, u32 access) {
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

static i32 faultMissed(
  u32 aspace, u64 vpn, u32 access, u32 need, u32 dense, u32 seen
) {
  u32 i = (u32)vpn & 511;
  u32 found = dense;
  u32 entry = seen;
  if (dense == 0) {
    found = findTable(aspace, vpn);
    entry = found == 0 ? 0 : entryGet(found & TABLE_MASK, i);
  }
  u32 lacks = need & ~(entry & (found | ~PTE_W));
  if (lacks == 0) return 0;
  if ((lacks & ~(PTE_A | PTE_D)) == 0) {
    entrySet(found & TABLE_MASK, i, entry | need);
    return 0;
  }
  bool writes = (access & (PERM_WRITE | PERM_EXECUTE)) == PERM_WRITE;
  if (writes && found != 0 && writeOne(aspace, vpn, found)) return 0;
  return faultSlow(aspace, vpn, access);
}

static i32 faultOne(u32 aspace, u64 vpn, u32 access) {
  u32 need = needOf(access);
  u32 dense = knownDense(aspace, vpn);
  u32 entry = 0;
  if (dense != 0) {
    entry = WORDS(R32((dense & TABLE_MASK) + T_DATA))[(u32)vpn & 511];
    if ((need & ~(entry & (dense | ~PTE_W))) == 0) return 0;
  }
  return faultMissed(aspace, vpn, access, need, dense, entry);
}
