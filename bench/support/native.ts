/**
 * The native baseline: compiles `bench/c` into a temporary folder, keeps the process alive, and
 * talks to it a line at a time, so that its runs alternate with those of the core.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { layoutHeader } from './layout.js';
import type { Machine, MachineState } from './machine.js';

const SOURCES = fileURLToPath(new URL('../c', import.meta.url));
const FLAGS = ['-O3', '-march=native'];
/** Offsets are addresses where the low 4 GiB can be had; else they are offsets from here. */
const BASES = ['0ull', '0x200000000000ull'];

/** The compiled baseline, or why there is none. */
export interface NativeBuild {
  /** Programs to try, best first. */ readonly programs: readonly string[];
  /** Where entries for `load` are left, as words. */ readonly entriesFile: string;
  /** Why it is missing. */ readonly missing?: string;
  /** Deletes it. */ remove(): void;
}

/** Compiles the baseline. */
export function buildNative(): NativeBuild {
  const folder = mkdtempSync(join(tmpdir(), 'memsim-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const entriesFile = join(folder, 'entries');
  writeFileSync(join(folder, 'layout.h'), layoutHeader());
  try {
    const programs = BASES.map((base, i) => {
      const program = join(folder, `native${i}`);
      execFileSync('gcc', [...FLAGS, `-DMEMORY_BASE=${base}`, '-I', folder, '-I', SOURCES,
        join(SOURCES, 'main.c'), '-o', program], { stdio: ['ignore', 'ignore', 'pipe'] });
      return program;
    });
    return { programs, entriesFile, remove };
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    const missing = code === 'ENOENT' ? 'gcc is not installed' : `gcc failed: ${stderr}`;
    return { programs: [], entriesFile, missing, remove };
  }
}

/** One run of the baseline. */
export class NativeMachine implements Machine {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;
  #pages = 0;

  private constructor(program: string, entriesFile: string) {
    this.#child = spawn(program, [entriesFile], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts the first program that gets its memory. */
  static async start(build: NativeBuild): Promise<NativeMachine> {
    for (const program of build.programs) {
      const machine = new NativeMachine(program, build.entriesFile);
      const { value } = await machine.#answers.next();
      if (value === 'ok') return machine;
    }
    throw new Error('the native baseline got no memory');
  }

  /** Sends a command; the numbers of the answer. */
  async ask(command: string, ...numbers: number[]): Promise<number[]> {
    this.#child.stdin.write(`${[command, ...numbers].join(' ')}\n`);
    const { value, done } = await this.#answers.next();
    const [ok, ...rest] = String(value).split(' ');
    if (done === true || ok !== 'ok') throw new Error(`native ${command}: ${value}`);
    return rest.map(Number);
  }

  async #one(command: string, ...numbers: number[]): Promise<number> {
    return (await this.ask(command, ...numbers))[0] as number;
  }

  async #done(command: string, ...numbers: number[]): Promise<void> {
    if (await this.#one(command, ...numbers) < 0) throw new Error(`native ${command} failed`);
  }

  async #handle(command: string, ...numbers: number[]): Promise<number> {
    const handle = await this.#one(command, ...numbers);
    if (handle === 0) throw new Error(`native ${command} failed`);
    return handle;
  }

  boot(physicalPages: number, hostBytes: number): Promise<void> {
    this.#pages = physicalPages;
    return this.#done('boot', physicalPages, hostBytes);
  }
  reset(): Promise<void> { return this.#done('boot', this.#pages, 0); }
  order(n: number, seed: number): Promise<void> { return this.#done('order', n, seed); }
  vmo(pages: number): Promise<number> { return this.#handle('vmo', pages); }
  aspace(): Promise<number> { return this.#handle('aspace'); }
  map(aspace: number, vmo: number, basePages: number, pages: number): Promise<number> {
    return this.#handle('map', aspace, vmo, basePages, pages);
  }
  snapshot(vmo: number): Promise<number> { return this.#handle('snapshot', vmo); }
  drop(vmo: number): Promise<void> { return this.#done('drop', vmo); }
  destroy(aspace: number): Promise<void> { return this.#done('destroy', aspace); }
  commit(vmo: number, page: number, pages: number): Promise<void> {
    return this.#done('commit', vmo, page, pages);
  }
  forks(vmo: number, count: number, own: number, scattered: boolean, seed: number): Promise<void> {
    return this.#done('forks', vmo, count, own, Number(scattered), seed);
  }

  async state(): Promise<MachineState> {
    const [freeFrames, objectFrames, tableFrames, framesEverUsed, nodes, tables] =
      await this.ask('state') as [number, number, number, number, number, number];
    return { freeFrames, objectFrames, tableFrames, framesEverUsed, nodes, tables };
  }

  faults(
    aspace: number, basePages: number, pages: number, length: number, access: number,
    isShuffled: boolean,
  ): Promise<number> {
    return this.#one('ranges', aspace, basePages, pages, length, access, Number(isShuffled));
  }

  /** Reads the columns of frames, and with `nodes` every living node: ns and bytes. */
  async read(
    nodes: boolean, first: number, frames: number,
  ): Promise<{ ns: number; bytes: number }> {
    const [ns, bytes] = await this.ask('read', Number(nodes), first, frames) as [number, number];
    return { ns, bytes };
  }

  /** Ends the process. */
  stop(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
