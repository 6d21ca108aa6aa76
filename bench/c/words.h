/*
 * The memory of the native baseline, and how its words are read and written.
 *
 * One block of 4 GiB is mapped at a fixed address, and records are named by 32-bit offsets into it,
 * as in the Wasm core: the same layout (layout.h is made from assembly/layout.ts when the bench
 * starts), the same cache lines, plain machine addressing. Every access may alias every other, so
 * the compiler may assume no more than the Wasm compiler may.
 *
 * The whole baseline is one translation unit (main.c includes the rest), so that gcc may inline
 * across files as freely as the AssemblyScript compiler does.
 */
#ifndef WORDS_H
#define WORDS_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;
typedef double f64;

#include "layout.h"

#define MEMORY_BYTES (1ull << 32)
#define MAY_ALIAS __attribute__((may_alias))
typedef u8 MAY_ALIAS u8a;
typedef u16 MAY_ALIAS u16a;
typedef u32 MAY_ALIAS u32a;
typedef u64 MAY_ALIAS u64a;

#define AT(offset) ((u8 *)(MEMORY_BASE + (u64)(u32)(offset)))
#define R8(offset) (*(u8a *)AT(offset))
#define R16(offset) (*(u16a *)AT(offset))
#define R32(offset) (*(u32a *)AT(offset))
#define R64(offset) (*(u64a *)AT(offset))
/* A run of words is walked by pointer: an offset may wrap at 2^32, which gcc has to allow for. */
#define WORDS(offset) ((u32a *)AT(offset))
#define WIDE_WORDS(offset) ((u64a *)AT(offset))
/* gcc optimises what only main calls, once, for size: what is timed stands apart from it. */
#define TIMED __attribute__((noinline, hot))

static inline u64 least64(u64 a, u64 b) { return a < b ? a : b; }
static inline u64 most64(u64 a, u64 b) { return a > b ? a : b; }
static inline u32 least32(u32 a, u32 b) { return a < b ? a : b; }
static inline u32 most32(u32 a, u32 b) { return a > b ? a : b; }
static inline void fill(u32 at, int value, u64 bytes) { memset(AT(at), value, bytes); }
static inline void copy(u32 to, u32 from, u64 bytes) { memmove(AT(to), AT(from), bytes); }
#endif
