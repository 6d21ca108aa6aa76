/*
 * The native baseline: the core's own algorithms and records in C, told what to do by lines.
 *
 *   command and numbers on stdin  ->  `ok NUMBER ...` or `error TEXT` on stdout
 *
 * Work that is timed begins and ends inside one command; its nanoseconds come back in the answer.
 * The process stays alive, so that its runs alternate with those of the Wasm core.
 */
#define _GNU_SOURCE
#include "words.h"
#include "heap.h"
#include "tree.h"
#include "tables.h"
#include "walk.h"
#include "intervals.h"
#include "objects.h"
#include "reserve.h"
#include "fault.h"
#include "boot.h"
#include "reads.h"
#include "linux.h"
#include <time.h>

#define RELEASE_NODES 4096u

static u64 nowNs(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* The same pseudo-random numbers as in bench/support/random.ts. */
static u32 randomState;
static u32 nextRandom(void) {
  randomState ^= randomState << 13;
  randomState ^= randomState >> 17;
  randomState ^= randomState << 5;
  return randomState;
}

static u32 *order;
static double *firsts; // first pages of the ranges, as the core gets them

static void makeOrder(u32 n, u32 seed) {
  order = realloc(order, (u64)n * 4);
  firsts = realloc(firsts, (u64)n * 8);
  randomState = seed;
  for (u32 i = 0; i < n; i++) order[i] = i;
  for (u32 i = n - 1; i > 0; i--) {
    u32 j = nextRandom() % (i + 1);
    u32 swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
}

static const char *entriesFile = "";

static void release(void) { while (releaseStep(RELEASE_NODES)); }

TIMED static i32 commitPages(u32 vmo, u64 page, u64 n) {
  u64 lo = vmoBase(vmo) + page;
  if (!reservePages(vmo, lo, lo + n)) return NO_MEMORY;
  commitKeys(vmo, lo, lo + n);
  return 0;
}

/* `count` children of a VMO, each with `own` pages written: in a row, or anywhere. */
TIMED static i32 makeForks(u32 vmo, u32 count, u32 own, bool scattered, u32 seed) {
  randomState = seed;
  u32 pages = (u32)vmoSize(vmo);
  for (u32 k = 0; k < count; k++) {
    if (!ready()) return NO_MEMORY;
    u32 child = snapshot(vmo);
    if (child == 0) return NO_MEMORY;
    if (!scattered) {
      if (commitPages(child, nextRandom() % (pages - own), own) < 0) return NO_MEMORY;
      continue;
    }
    for (u32 i = 0; i < own; i++) {
      if (commitPages(child, nextRandom() % pages, 1) < 0) return NO_MEMORY;
    }
  }
  return 0;
}

static void answer(i64 a) { printf("ok %lld\n", (long long)a); }

static void answerState(void) {
  u32 nodes = 0;
  for (u32 h = 1; h <= HEIGHT_MAX; h++) nodes += R32(poolAt(POOL_NODE + h) + P_LIVE);
  u32 tables = R32(poolAt(POOL_TABLE) + P_LIVE);
  printf("ok %u %u %u %u %u %u\n", freeFrames(), R32(H_STATES + (ST_OBJECT << 2)),
    R32(H_STATES + (ST_MMU << 2)), R32(H_FRAME_BUMP), nodes, tables);
}

/* Times `ranges` of `length` pages: in order, or in the order of the permutation. */
TIMED static void timeRanges(
  u32 aspace, u64 base, u64 pages, u64 length, u32 access, bool shuffled
) {
  u64 ranges = pages / length;
  for (u64 i = 0; i < ranges && shuffled; i++) firsts[i] = (double)(base + order[i] * length);
  u64 start = nowNs();
  for (u64 i = 0; i < ranges; i++) {
    u64 at = shuffled ? (u64)(i64)firsts[i] : base + i * length;
    i32 status = length == 1 ? faultOne(aspace, at, access)
      : faultSpan(aspace, at, (u32)length, access);
    if (status < 0) {
      printf("error fault %d\n", status);
      return;
    }
  }
  answer((i64)(nowNs() - start));
}

TIMED static void timeSnapshots(u32 vmo, u32 count) {
  u64 start = nowNs();
  u32 first = 0;
  for (u32 i = 0; i < count; i++) {
    if (!ready()) break;
    first = snapshot(vmo);
  }
  printf("ok %llu %u\n", (unsigned long long)(nowNs() - start), first);
}

TIMED static void timeReads(bool nodes, u32 first, u32 n) {
  readBytes = 0;
  u64 start = nowNs();
  if (nodes) readNodes();
  readFrames(first, n);
  u64 took = nowNs() - start;
  printf("ok %llu %llu\n", (unsigned long long)took, (unsigned long long)readBytes);
}

TIMED static void timeEntries(bool shares) {
  u64 start = nowNs();
  entriesCount();
  if (shares) entriesShares();
  answer((i64)(nowNs() - start));
}

static void timeLinux(u32 pages) {
  LinuxTimes t;
  if (!linuxFork(pages, &t)) printf("error fork\n");
  else printf("ok %llu %llu %llu\n", (unsigned long long)t.firstTouch, (unsigned long long)t.fork,
    (unsigned long long)t.copyOnWrite);
}

__attribute__((noinline)) static void obey(const char *what, const u64 *n) {
  if (!strcmp(what, "boot")) {
    touchMemory(n[1]);
    answer(boot((u32)n[0], 65535));
  } else if (!strcmp(what, "order")) makeOrder((u32)n[0], (u32)n[1]), answer(0);
  else if (!strcmp(what, "vmo")) answer(newVmo(VK_ANONYMOUS, n[0]));
  else if (!strcmp(what, "aspace")) answer(newAspace());
  else if (!strcmp(what, "map")) answer(newMapping((u32)n[0], (u32)n[1], n[2], n[3], 0, 3));
  else if (!strcmp(what, "snapshot")) answer(ready() ? snapshot((u32)n[0]) : 0);
  else if (!strcmp(what, "drop")) vmoDrop((u32)n[0]), release(), answer(0);
  else if (!strcmp(what, "destroy")) freeAspace((u32)n[0]), release(), answer(0);
  else if (!strcmp(what, "commit")) answer(commitPages((u32)n[0], n[1], n[2]));
  else if (!strcmp(what, "forks"))
    answer(makeForks((u32)n[0], (u32)n[1], (u32)n[2], n[3] != 0, (u32)n[4]));
  else if (!strcmp(what, "state")) answerState();
  else if (!strcmp(what, "ranges"))
    timeRanges((u32)n[0], n[1], n[2], n[3], (u32)n[4], n[5] != 0);
  else if (!strcmp(what, "snapshots")) timeSnapshots((u32)n[0], (u32)n[1]);
  else if (!strcmp(what, "read")) timeReads(n[0] != 0, (u32)n[1], (u32)n[2]);
  else if (!strcmp(what, "entries"))
    entriesMake((u32)n[0], (u32)n[1], (u32)n[2]), answer(entryCount);
  else if (!strcmp(what, "load")) {
    if (entriesRead(entriesFile, (u32)n[0], (u32)n[1])) answer(entryCount);
    else printf("error no entries in %s\n", entriesFile);
  }
  else if (!strcmp(what, "count")) timeEntries(n[0] != 0);
  else if (!strcmp(what, "linux")) timeLinux((u32)n[0]);
  else printf("error unknown command %s\n", what);
}

int main(int argc, char **argv) {
  if (argc > 1) entriesFile = argv[1];
  if (!mapMemory()) {
    printf("error no memory at the address wanted\n");
    return 1;
  }
  printf("ok\n");
  fflush(stdout);
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    char *rest = line;
    char *what = strsep(&rest, " \n");
    u64 numbers[8] = {0};
    for (u32 i = 0; i < 8 && rest && *rest && *rest != '\n'; i++) {
      numbers[i] = strtoull(rest, &rest, 10);
    }
    obey(what, numbers);
    fflush(stdout);
  }
  return 0;
}
