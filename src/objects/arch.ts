/**
 * Address spaces of the machines that Zircon runs on (memory-semantics 9.1).
 */

import { fail } from './errors.js';

/** A machine. */
export type Arch = 'x86-64' | 'arm64' | 'riscv64';

/** Addresses that a program may use. */
export interface UserRange {
  /** First address. */ readonly base: bigint;
  /** First address behind. */ readonly end: bigint;
}

/** x86-64 and arm64 begin where the memory page shows it; the newest x86-64 begins at 0x200000. */
const USER_RANGES: Readonly<Record<Arch, UserRange>> = {
  'x86-64': { base: 0x1000000n, end: 2n ** 47n - 4096n },
  'arm64': { base: 0x1000000n, end: 0xffffff000000n },
  'riscv64': { base: 0x200000n, end: 2n ** 38n },
};

/**
 * The user addresses of a machine.
 *
 * @throws ZxError ZX_ERR_INVALID_ARGS for an unknown one
 */
export function userRange(arch: Arch): UserRange {
  const names = Object.keys(USER_RANGES);
  if (names.includes(arch)) return USER_RANGES[arch];
  return fail('ZX_ERR_INVALID_ARGS', `machine ${JSON.stringify(arch)}: allowed ${names.join()}`, {
    arch,
  });
}
