/** The memory page's samples as hand-made systems: inputs of the golden files. */

import { readFileSync } from 'node:fs';
import {
  COW, type MapSpec, PAGED, type SystemSpec, type TaskSpec, type VmoSpec,
} from './make-tables.js';

/** A golden text from test/fixtures/golden. */
export function golden(name: string): string {
  return readFileSync(new URL(`../fixtures/golden/${name}`, import.meta.url), 'utf8');
}

const KIB = 1024;
const MIB = 1024 * 1024;
/** The vDSO's part of each process: two mappings of 24 and 4 KiB among 12 processes. */
const VDSO_SHARE_BYTES = Math.floor(24 * KIB / 12) + Math.floor(4 * KIB / 12);

function bootProcess(
  koid: number, parent: number, depth: number, privateKib: number, name: string,
): TaskSpec {
  const privateBytes = privateKib * KIB;
  return {
    type: 'p', koid, parent, depth, name, privateBytes,
    pss: BigInt(privateBytes + VDSO_SHARE_BYTES), sharedBytes: 28 * KIB,
  };
}

/** The memory page's `ps` sample. */
export const BOOT: SystemSpec = {
  tasks: [
    { type: 'j', koid: 1028, parent: 0, depth: 0, name: 'root' },
    bootProcess(1043, 1028, 1, 1384, 'bin/devmgr'),
    { type: 't', koid: 1050, parent: 1043, depth: 2, name: 'initial-thread', state: 'blocked' },
    { type: 'j', koid: 1082, parent: 1028, depth: 1, name: 'zircon-drivers' },
    bootProcess(1209, 1082, 2, 772, '/boot/bin/acpisvc'),
    bootProcess(1565, 1082, 2, 248, 'driver_host:root'),
    bootProcess(1619, 1082, 2, 652, 'driver_host:misc'),
    bootProcess(1688, 1082, 2, 256, 'driver_host:platform'),
    bootProcess(1867, 1082, 2, 3876, 'driver_host:pci#1:1234:1111'),
    bootProcess(1916, 1082, 2, 24944, 'driver_host:pci#3:8086:2922'),
    { type: 'j', koid: 1103, parent: 1028, depth: 1, name: 'zircon-services' },
    bootProcess(1104, 1103, 2, 296, 'crashlogger'),
    bootProcess(1290, 1103, 2, 240, 'netsvc'),
    bootProcess(2115, 1103, 2, 360, 'sh:console'),
    bootProcess(2334, 1103, 2, 264, 'sh:vc'),
    bootProcess(2441, 1103, 2, 304, '/boot/bin/ps'),
  ],
  kmem: {
    totalBytes: 2048 * MIB,
    freeBytes: Math.round(1686.4 * MIB),
    freeLoanedBytes: 0,
    vmoBytes: 333238272,
    totalHeapBytes: Math.round(5.1 * MIB) + Math.round(0.9 * MIB),
    freeHeapBytes: Math.round(0.9 * MIB),
    wiredBytes: Math.round(17.8 * MIB),
    mmuOverheadBytes: 20 * MIB + 4096,
    ipcBytes: 98304,
    otherBytes: 20480,
    availableBytes: Math.round(1700 * MIB),
  },
};

const R = 1;
const W = 2;
const X = 4;

function vmar(depth: number, base: bigint, end: bigint, name = 'useralloc'): MapSpec {
  return { type: 'R', depth, name, base, end };
}

function mapping(
  depth: number, base: bigint, end: bigint, perms: number, committedKib: number, vmo: number,
  name: string,
): MapSpec {
  return { type: 'M', depth, name, base, end, perms, committed: committedKib * KIB, vmo };
}

const USER_BASE = 0x1000000n;
const USER_END = 0x7ffffffff000n;

/** The memory page's process 2470. */
export const VMAPS_SH: SystemSpec = {
  tasks: [{
    type: 'p', koid: 2470, parent: 0, depth: 0, name: 'sh',
    maps: [
      { type: 'A', depth: 0, name: 'proc:2470', base: USER_BASE, end: USER_END },
      vmar(1, USER_BASE, USER_END, 'root'),
      vmar(2, 0x187bc867000n, 0x187bc881000n),
      mapping(3, 0x187bc867000n, 0x187bc87d000n, R | X, 0, 2535, 'libfdio.so'),
      mapping(3, 0x187bc87e000n, 0x187bc87f000n, R, 4, 2537, 'libfdio.so'),
      mapping(3, 0x187bc87f000n, 0x187bc881000n, R | W, 8, 2537, 'libfdio.so'),
      mapping(2, 0x246812b91000n, 0x246812d91000n, R | W, 76, 2542, 'mmap-anonymous'),
      vmar(2, 0x358923d92000n, 0x358923dd3000n),
      mapping(3, 0x358923d93000n, 0x358923dd3000n, R | W, 16, 2538, ''),
      mapping(2, 0x400cbba84000n, 0x400cbbac4000n, R | W, 4, 2513, 'initial-stack'),
      vmar(2, 0x47e1ab874000n, 0x47e1ab87b000n),
      mapping(3, 0x47e1ab874000n, 0x47e1ab87a000n, R, 24, 1031, 'vdso/full'),
      mapping(3, 0x47e1ab87a000n, 0x47e1ab87b000n, R | X, 4, 1031, 'vdso/full'),
      vmar(2, 0x59f5c7068000n, 0x59f5c708d000n),
      mapping(3, 0x59f5c7068000n, 0x59f5c7088000n, R | X, 0, 2476, '/boot/bin/sh'),
      mapping(3, 0x59f5c7089000n, 0x59f5c708b000n, R, 8, 2517, '/boot/bin/sh'),
      mapping(3, 0x59f5c708b000n, 0x59f5c708d000n, R | W, 8, 2517, '/boot/bin/sh'),
    ],
  }],
};

function vmo(koid: number, name: string, size: number, committedKib: number,
  more: Partial<VmoSpec> = {}): VmoSpec {
  return {
    koid, name, size: BigInt(size), committed: committedKib * KIB, mappings: 1,
    flags: PAGED | (more.parent === undefined ? 0 : COW), ...more,
  };
}

/** Handle rights bits: transfer and duplicate, read, write, execute, map. */
const DT = 0b11;
const RWXM = 0b111100;
const RXM = 0b110100;

/** The memory page's process 1118. */
export const VMOS_1118: SystemSpec = {
  vmos: [
    vmo(1170, 'stack: msg of 0x5a', 4096, 4),
    vmo(1031, 'vdso/full', 28672, 28, { children: 2, mappings: 28, share: 14 }),
    vmo(1298, 'jemalloc-heap', 2 * MIB, 68),
    vmo(1381, 'self-dump-thread:0x12afe79c8b38', 516 * KIB, 8, { mappings: 3 }),
    vmo(1233, 'libbacktrace.so', 34406, 4, { parent: 1232, children: 1 }),
    vmo(1237, 'data:libbacktrace.so', 4096, 4, { parent: 1233 }),
    vmo(1153, 'ld.so.1', 904397, 12, { parent: 1146, children: 1 }),
    vmo(1158, 'data:ld.so.1', 16384, 12, { parent: 1153 }),
    vmo(1159, 'bss:ld.so.1', 12288, 12),
  ],
  tasks: [{
    type: 'p', koid: 1118, parent: 0, depth: 0, name: 'crashlogger',
    refs: [
      { koid: 1170, rights: RWXM | DT }, { koid: 1031, rights: RXM | DT },
      ...[1298, 1381, 1233, 1237, 1153, 1158, 1159].map((koid) => ({ koid })),
    ],
  }],
};
