/**
 * How a system is made: what a program may say, checked before anything is made.
 *
 * I1. Every figure is a whole number in range, or the system is not made.
 */

import { ageingSettings, type AgeingOptions, type AgeingSettings } from './ageing.js';
import { userRange, type Arch } from './arch.js';
import type { CoreOptions } from '../core/core.js';
import { pressureSettings, type PressureOptions, type PressureSettings } from './watchdog.js';
import { checkAslr, type Aslr, type AslrOptions } from './randomise.js';
import {
  isPageAligned, PAGE_BYTES, refuse, toCount, toOptions, toText, toU64, type Bytes,
} from './units.js';

/** Most physical pages of a core. */
const FRAMES_MAX = 2 ** 26 - 1;
/** Most bytes of a WebAssembly memory. */
const HOST_BYTES_MAX = 2 ** 32;
/** Longest name that anybody's paths need, bytes. */
const NAME_LIMIT_BYTES_MAX = 2 ** 16;

/** How a system is made. */
export interface SystemOptions {
  /** Name of the root job; `root` if left out. */ readonly rootJobName?: string;
  /** Koid of the root job; else the first one. */ readonly rootJobKoid?: number;
  /** First koid given without a name; 1024 if left out. */ readonly firstKoid?: number;
  /** Longest name in bytes of UTF-8, up to 65536; 31 as on Zircon if left out. */
  readonly nameLimitBytes?: number;
  /** Machine whose address spaces it has; `x86-64` if left out. */ readonly arch?: Arch;
  /** First user address, a multiple of 4096; the machine's if left out (x86-64: 0x1000000). */
  readonly userBase?: Bytes;
  /** Bytes of a user's address space, a multiple of 4096; up to the machine's end if left out. */
  readonly userSize?: Bytes;
  /** Addresses at random; each in the lowest gap that fits if left out. */
  readonly aslr?: AslrOptions;
  /** Whether debugging calls are allowed (CACHE_INVALIDATE). */ readonly debugSyscalls?: boolean;
  /**
   * Whether decommitting pages of contiguous VMOs lends them out, and pagers' VMOs borrow them; no
   * if left out.
   */
  readonly pageLoaning?: boolean;
  /**
   * Whether the kernel's own records of objects and messages take pages; yes if left out. No where
   * a recording says what the kernel has.
   */
  readonly countKernelMemory?: boolean;
  /** How pages age while time passes; as on Zircon if left out. */
  readonly ageing?: AgeingOptions;
  /** What is done when memory is short; nothing if left out. */
  readonly pressure?: PressureOptions;
}

/** Options that were checked, with what was left out. */
export interface SystemSettings {
  /** Name of the root job. */ readonly rootJobName: string;
  /** Koid of the root job. */ readonly rootJobKoid: number | undefined;
  /** First koid given without a name. */ readonly firstKoid: number | undefined;
  /** Longest name in bytes of UTF-8. */ readonly nameLimitBytes: number;
  /** First user address. */ readonly userBase: bigint;
  /** Bytes of a user's address space. */ readonly userSize: bigint;
  /** First address behind all that a program may use. */ readonly userEnd: bigint;
  /** How addresses are chosen; undefined: the lowest gap that fits. */
  readonly aslr: Aslr | undefined;
  /** Whether debugging calls are allowed. */ readonly debugSyscalls: boolean;
  /** Whether contiguous VMOs lend pages out, and pagers' VMOs borrow them. */
  readonly pageLoaning: boolean;
  /** Whether the kernel's own records take pages. */ readonly countKernelMemory: boolean;
  /** How pages age. */ readonly ageing: AgeingSettings;
  /** What is done when memory is short. */ readonly pressure: PressureSettings | undefined;
}

/**
 * The settings of a new system.
 *
 * @param options - what the program gave
 * @throws ZxError ZX_ERR_INVALID_ARGS for a value of the wrong kind or out of range
 */
export function systemSettings(options: SystemOptions): SystemSettings {
  const {
    rootJobName = 'root', rootJobKoid, firstKoid, nameLimitBytes = 31, debugSyscalls = false,
    pageLoaning = false, countKernelMemory = true,
  } = toOptions(options);
  if (rootJobKoid !== undefined) toCount(rootJobKoid, 'rootJobKoid', 1);
  if (firstKoid !== undefined) toCount(firstKoid, 'firstKoid', 1);
  if (typeof debugSyscalls !== 'boolean') refuse(debugSyscalls, 'debugSyscalls', 'true or false');
  if (typeof pageLoaning !== 'boolean') refuse(pageLoaning, 'pageLoaning', 'true or false');
  if (typeof countKernelMemory !== 'boolean') {
    refuse(countKernelMemory, 'countKernelMemory', 'true or false');
  }
  const { base, end: userEnd } = userRange(options.arch ?? 'x86-64');
  const userBase = toU64(options.userBase ?? base, 'userBase');
  const usualSize = userBase < userEnd ? userEnd - userBase : 0n;
  const userSize = toU64(options.userSize ?? usualSize, 'userSize');
  checkAddressSpace(userBase, userSize, userEnd);
  return {
    rootJobName: toText(rootJobName, 'rootJobName'),
    rootJobKoid,
    firstKoid,
    nameLimitBytes: toCount(nameLimitBytes, 'nameLimitBytes', 0, NAME_LIMIT_BYTES_MAX),
    userBase,
    userSize,
    userEnd,
    aslr: options.aslr === undefined ? undefined : checkAslr(options.aslr),
    debugSyscalls,
    pageLoaning,
    countKernelMemory,
    ageing: ageingSettings(options.ageing),
    pressure: pressureSettings(options.pressure),
  };
}

/**
 * Refuses a range that no user's address space can have.
 *
 * @param base - first address
 * @param size - bytes
 * @param end - first address behind all that a program may use
 * @throws ZxError ZX_ERR_INVALID_ARGS
 */
export function checkAddressSpace(base: bigint, size: bigint, end: bigint): void {
  const aligned = isPageAligned(base) && isPageAligned(size);
  if (aligned && size > 0n && base + size <= end) return;
  refuse(`${base}+${size}`, 'address space', `multiples of 4096, up to ${end}`);
}

/**
 * What a core is to be made with.
 *
 * @param options - what the program gave
 * @throws ZxError ZX_ERR_INVALID_ARGS for a value of the wrong kind or out of range
 */
export function checkCoreOptions(options: CoreOptions): void {
  const { physicalPages, hostBytesMax, variant } = toOptions(options);
  toCount(physicalPages, 'physicalPages', 1, FRAMES_MAX);
  if (hostBytesMax !== undefined) toCount(hostBytesMax, 'hostBytesMax', 0, HOST_BYTES_MAX);
  if (variant !== undefined && variant !== 'release' && variant !== 'debug') {
    refuse(variant, 'variant', 'release');
  }
}

/**
 * Physical pages of so many bytes.
 *
 * @param memoryBytes - what the program gave
 * @throws ZxError ZX_ERR_INVALID_ARGS if they are no whole pages, or none, or too many
 */
export function physicalPagesOf(memoryBytes: Bytes): number {
  const bytes = toU64(memoryBytes, 'memoryBytes');
  const mostBytes = BigInt(FRAMES_MAX) * BigInt(PAGE_BYTES);
  if (bytes === 0n || bytes > mostBytes || !isPageAligned(bytes)) {
    refuse(memoryBytes, 'memoryBytes', `a multiple of 4096 from 4096 to ${mostBytes}`);
  }
  return Number(bytes) / PAGE_BYTES;
}
