/**
 * Accounting by present entries, as an imported Linux system has it: 81 processes that share most
 * of what they map. C counts the same entries in one array.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AspaceRef, Core, MappingRef, VmoRef } from '../../src/core/core.js';
import { EntryPass } from '../../src/core/passes.js';
import { Collector } from '../support/context.js';
import type { Context, Group } from '../support/context.js';
import { NativeMachine } from '../support/native.js';
import { bootCore, good, timed } from '../support/ours.js';
import type { ProcessObject } from '../../src/objects/process-object.js';
import { walkTasks } from '../../src/objects/walk.js';
import { System } from '../../src/system.js';

const SPACES = 81;
const SHARED_PAGES = 25_600; // 100 MB
const OWN_PAGES = 300;
const BASE_PAGES = 2 ** 18;
const READ_WRITE = 3;
const SMAPS_PAGE = 2n ** 24n;
const BAR = 1.35;
const RECORDED = new URL(
  '../../../shared/data/linux/fork-shm-80x100MB.snap.jsonl.br', import.meta.url);

/** Address spaces that map one VMO of shared pages and one of their own each, all present. */
function makeSpaces(core: Core): AspaceRef[] {
  const fill = (pages: number): [VmoRef, Uint32Array] => {
    const vmo = good<VmoRef>(core.vmoCreate(0, pages));
    good(core.vmoCommit(vmo, 0, pages));
    return [vmo, Uint32Array.from({ length: pages }, (_, page) => core.vmoFrame(vmo, page))];
  };
  const shared = fill(SHARED_PAGES);
  return Array.from({ length: SPACES }, () => {
    const space = good<AspaceRef>(core.aspaceCreate());
    const own = fill(OWN_PAGES);
    const place = ([vmo, frames]: [VmoRef, Uint32Array], base: number): void => {
      const mapping =
        good<MappingRef>(core.map(space, vmo, base, frames.length, 0, READ_WRITE));
      good(core.ptesInstall(mapping, 0, frames, true));
    };
    place(shared, BASE_PAGES);
    place(own, BASE_PAGES * 2);
    return space;
  });
}

/** Present entries of a process, in the order of their addresses. */
function entriesOf({ aspace }: ProcessObject): Uint32Array {
  const { core } = aspace.system;
  const words: number[] = [];
  for (const region of aspace.root.regions.values()) {
    if (!('vmo' in region)) continue;
    for (let page = region.basePage; page < region.basePage + region.pages; page++) {
      const word = core.entry(aspace.ref, page);
      if ((word & 1) !== 0) words.push(word);
    }
  }
  return Uint32Array.from(words);
}

function toBuffer(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

/** The whole road over a recorded machine, where its snapshot lies beside the repository. */
async function recordedRow(context: Context, native: NativeMachine): Promise<void> {
  const file = fileURLToPath(RECORDED);
  if (!existsSync(file)) {
    context.note('present: no recorded system beside the repository, only the synthetic one');
    return;
  }
  const system = await System.open(file);
  const name = 'present entries, recorded system';
  const rows = new Collector();
  const tasks = [...walkTasks(system.rootJob.object)];
  const aspaces = tasks.flatMap(({ task }) => ('aspace' in task ? [task.aspace.ref] : []));
  const words = tasks.flatMap(({ task }) => ('aspace' in task ? entriesOf(task) : []));
  const entries = words.reduce((n, list) => n + list.length, 0);
  writeFileSync(context.native.entriesFile, Buffer.concat(words.map((list) => toBuffer(list))));
  await native.ask('load', entries, system.core.framesUsed);
  for (let i = -3; i < (context.isShort ? 11 : 31); i++) {
    const ours = timed(() => {
      const pass = new EntryPass(system.core, 'mapcount');
      pass.scan(aspaces);
      pass.end();
    });
    const [other] = await native.ask('count', 0) as [number];
    if (i >= 0) rows.add(name, ours / entries, other / entries);
  }
  rows.emit(context, {
    name, unit: 'ns/entry', ratioOf: 'ours/other', bar: BAR,
    compares: `fork-shm-80x100MB as imported, ${aspaces.length} processes, ${entries} entries, `
      + 'scratch cleared / C counting the same entries in one array',
  });
}

async function run(context: Context): Promise<void> {
  const entries = SPACES * (SHARED_PAGES + OWN_PAGES);
  const core = bootCore(SHARED_PAGES + SPACES * (OWN_PAGES + 80) + 1024, 64 * 2 ** 20);
  const spaces = makeSpaces(core);
  const ranges = spaces.map((aspace, i) => ({ aspace, stamp: i + 1, page: 0, pages: 2 ** 36 }));
  const native = await NativeMachine.start(context.native);
  const rows = new Collector();
  const counting = 'present entries, counted';
  const whole = 'present entries, counted and read';
  try {
    await native.ask('entries', SPACES, SHARED_PAGES, OWN_PAGES);
    for (let i = -3; i < (context.isShort ? 11 : 31); i++) {
      let share = 0n;
      const start = process.hrtime.bigint();
      const pass = new EntryPass(core, 'mapcount');
      pass.scan(spaces);
      const counted = Number(process.hrtime.bigint() - start);
      const read = timed(() => { for (const f of pass.read(ranges)) share += f.share; });
      pass.end();
      if (share > SMAPS_PAGE * BigInt(entries)) throw new Error('shares exceed what is mapped');
      const [otherCount] = await native.ask('count', 0) as [number];
      const [otherWhole] = await native.ask('count', 1) as [number];
      if (i < 0) continue;
      rows.add(counting, counted / entries, otherCount / entries);
      rows.add(whole, (counted + read) / entries, otherWhole / entries);
    }
    await recordedRow(context, native);
  } finally {
    native.stop();
  }
  const text = `${SPACES} address spaces, ${entries} entries (the shape of fork-shm-80x100MB)`;
  rows.emit(context, {
    name: counting, unit: 'ns/entry', ratioOf: 'ours/other', bar: BAR,
    compares: `the core, ${text}, one thread, scratch cleared / C counting them in one array`,
  });
  rows.emit(context, {
    name: whole, unit: 'ns/entry', ratioOf: 'ours/other', bar: BAR,
    compares: `the same and every process's share read back, by mapcount / C adding up 2^24 div `
      + 'count',
  });
}

/** Accounting by present entries. */
export const present: Group = { name: 'present', needsNative: true, run };
