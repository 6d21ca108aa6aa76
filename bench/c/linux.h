/*
 * What the machine's own kernel takes for the same steps: fork, then write each page in the child.
 * A trap and 4 KiB copied a page; the figure says what is being simulated, not who is faster.
 */
#include <sys/wait.h>
#include <unistd.h>

static u64 nowNs(void);

typedef struct { u64 firstTouch, fork, copyOnWrite; } LinuxTimes;

static bool linuxFork(u32 pages, LinuxTimes *times) {
  u64 bytes = (u64)pages * PAGE_BYTES;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  volatile u8 *at = mmap(0, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  int ends[2];
  if (at == MAP_FAILED || pipe(ends) != 0) return false;
  madvise((void *)at, bytes, MADV_NOHUGEPAGE);
  u64 start = nowNs();
  for (u64 i = 0; i < bytes; i += PAGE_BYTES) at[i] = 1;
  times->firstTouch = nowNs() - start;
  start = nowNs();
  pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    u64 began = nowNs();
    for (u64 i = 0; i < bytes; i += PAGE_BYTES) at[i] = 2;
    u64 took = nowNs() - began;
    _exit(write(ends[1], &took, sizeof took) == sizeof took ? 0 : 1);
  }
  times->fork = nowNs() - start;
  bool got = read(ends[0], &times->copyOnWrite, sizeof times->copyOnWrite)
    == (ssize_t)sizeof times->copyOnWrite;
  waitpid(child, 0, 0);
  close(ends[0]);
  close(ends[1]);
  munmap((void *)at, bytes);
  return got;
}
