/** `memgraph`: the tool's layout, whatever names hold, for every policy; and its schema. */

import { readFileSync } from 'node:fs';
import { type Schema, Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import t from 'tap';
import type { AccountTables, Policy } from '../../src/accounting/tables.js';
import { System } from '../../src/system.js';
import { memgraphText } from '../../src/views/memgraph.js';
import { MEMGRAPH_SCHEMA, memgraphSchemaText } from '../../src/views/memgraph-schema.js';
import { sharedPath } from '../support/shared.js';
import { makeTables, type SystemSpec } from './make-tables.js';
import { golden } from './samples.js';

const TIMESTAMP = '2017-06-07T05:51:08.021Z';
const ALL = { threads: true, vmos: true, handles: true, timestamp: TIMESTAMP };
const POLICIES: readonly Policy[] = ['classic', 'attributed', 'exact', 'mapcount'];
const NGINX = 'test/fixtures/nginx-6w.snap.jsonl.gz';

interface Node {
  readonly id?: string;
  readonly type: string;
  readonly parent: string;
  readonly name: string;
  readonly size_bytes: number;
  readonly pss_bytes: number;
  readonly policy?: string;
}

const parse = (text: string): Node[] => JSON.parse(text) as Node[];

/** A small system with names that want escaping. */
const NASTY: SystemSpec = {
  tasks: [
    { type: 'j', koid: 1024, parent: 0, depth: 0, name: 'root "job"' },
    {
      type: 'p', koid: 1030, parent: 1024, depth: 1, name: 'a\nb\\c\u0000d', privateBytes: 4096,
      sharedBytes: 8192, pss: 8192n, refs: [{ koid: 1040, rights: 0b1001111 }, { koid: 1040 },
        { koid: 1041 }],
    },
    { type: 't', koid: 1031, parent: 1030, depth: 2, name: 'initial-thread', state: 'blocked' },
    { type: 't', koid: 1032, parent: 1030, depth: 2, name: '', state: 'excp' },
    { type: 'p', koid: 1033, parent: 1024, depth: 1, name: '</script><b>\u2028', state: '' },
    { type: 'j', koid: 1034, parent: 1024, depth: 1, name: '\ud800 lone' },
  ],
  vmos: [
    { koid: 1040, name: 'shared "heap"', size: 1n << 62n, mappings: 2, share: 2, committed: 8192 },
    { koid: 1041, name: '', size: 4096n, parent: 1040, committed: 4096 },
  ],
  kmem: {
    totalBytes: 1 << 20, freeBytes: 1 << 19, freeLoanedBytes: 4096, vmoBytes: 1 << 17,
    totalHeapBytes: 12288, freeHeapBytes: 4096, wiredBytes: 8192, mmuOverheadBytes: 8192,
    ipcBytes: 4096, otherBytes: 356352,
  },
};

const withHandles = (tables: AccountTables): AccountTables => {
  const counts = new Map([[3, 2], [1, 1], [27, 1], [28, 4]]);
  const handleCounts = tables.tasks.name.map((_, row) => (row === 1 ? counts : undefined));
  return { ...tables, tasks: { ...tables.tasks, handleCounts } };
};

t.test('the layout is the tool\'s, names are JSON', async (t) => {
  t.equal(memgraphText(withHandles(makeTables(NASTY)), ALL), golden('memgraph-vth.json'));
  const bare = memgraphText(makeTables(NASTY), { timestamp: TIMESTAMP });
  t.notMatch(bare, /"vmos"|"handle_stats"|"t\//, 'nothing that was not asked for');
});

t.test('the parts of physical memory add up to it', async (t) => {
  for (const system of [await System.open('boot'), await System.open(NGINX)]) {
    const nodes = parse(memgraphText(await system.account(), ALL));
    const whole = nodes.find(({ id }) => id === 'kernel/physmem')?.size_bytes;
    const parts = nodes.filter(({ parent }) => parent === 'kernel/physmem');
    t.equal(parts.reduce((sum, { size_bytes: bytes }) => sum + bytes, 0), whole);
  }
});

t.test('what treemap.py expects: one root, one root job, parents that exist', async (t) => {
  const system = await System.open(NGINX);
  const nodes = parse(memgraphText(await system.account(), ALL)).filter(({ id }) => id);
  const ids = new Set(nodes.map(({ id }) => id));
  t.equal(ids.size, nodes.length, 'ids are used once');
  t.strictSame(nodes.filter(({ parent }) => parent === '').map(({ id }) => id), ['kernel/physmem']);
  const rootJobs = nodes.filter(({ type, parent }) => type === 'j' && parent.startsWith('kernel/'));
  t.equal(rootJobs.length, 1);
  t.strictSame(nodes.filter(({ parent }) => parent !== '' && !ids.has(parent)), []);
});

interface RefRecord {
  readonly koid: number;
  readonly vmo_koid: number;
  readonly via: readonly string[];
  readonly share_count: number;
  readonly committed_bytes: number;
}

interface Branch extends Node {
  readonly vmos?: readonly RefRecord[];
  readonly vmo_refs?: readonly RefRecord[];
  readonly private_bytes: number;
}

/** The tree that upstream's script builds of the jobs: bytes by id (tool-formats, section 8). */
const upstreamTree = (nodes: readonly Branch[]): Map<string, number> => {
  const byId = new Map(nodes.map((node) => [node.id ?? '', node]));
  const areas = new Map<string, number>();
  for (const node of nodes.filter(({ type }) => type === 'p')) {
    let area = node.pss_bytes;
    if (node.vmo_refs !== undefined) {
      const vmos = new Map([...node.vmos ?? []].reverse().map((vmo) => [vmo.koid, vmo]));
      const mapped = new Map<number, boolean>();
      for (const { vmo_koid: koid, via } of node.vmo_refs) {
        mapped.set(koid, mapped.get(koid) === true || via.includes('MAPPING'));
      }
      area = 0;
      for (const [koid, byMapping] of mapped) {
        const vmo = vmos.get(koid)!;
        area += Math.floor(vmo.committed_bytes / (vmo.share_count + (byMapping ? 0 : 1)));
      }
    }
    for (let at: Branch | undefined = node; at?.id; at = byId.get(at.parent)) {
      if (at.type !== 'kernel') areas.set(at.id, (areas.get(at.id) ?? 0) + area);
    }
  }
  return areas;
};

t.test('a script that builds its tree as treemap.py does gets figures', async (t) => {
  for (const spec of ['boot', NGINX]) {
    const tables = await (await System.open(spec)).account({ policy: 'classic' });
    for (const vmos of [true, false]) {
      const nodes = parse(memgraphText(tables, { vmos, timestamp: TIMESTAMP })) as Branch[];
      const areas = [...upstreamTree(nodes).values()];
      t.ok(areas.length > 10 && areas.every((area) => Number.isSafeInteger(area) && area >= 0));
      const root = Math.max(...areas);
      const pss = Number(tables.tasks.pss.bytes[0]);
      if (!vmos) t.equal(root, pss, 'without VMOs: the sum of ps');
      if (vmos && spec === 'boot') t.ok(Math.abs(root / pss - 1) < 0.001, 'with: the same here');
    }
  }
});

t.test('the policy changes the figures of processes, and is named', async (t) => {
  const system = await System.open(NGINX);
  const sums = new Map<Policy, number>();
  for (const policy of POLICIES) {
    const tables = await system.account({ policy });
    const nodes = parse(memgraphText(tables, { timestamp: TIMESTAMP }));
    t.equal(nodes.at(-1)?.policy, policy === 'classic' ? undefined : policy);
    const processes = nodes.filter(({ type }) => type === 'p');
    sums.set(policy, processes.reduce((sum, { pss_bytes: bytes }) => sum + bytes, 0));
    t.equal('unmapped_bytes' in (processes[0] ?? {}), policy === 'exact', policy);
  }
  t.ok(new Set(sums.values()).size > 1, 'they differ');
});

/** Documents that upstream's schema takes, and such that it does not. */
const SAMPLES: [valid: boolean, text: string][] = [
  [true, '[]'], [true, '[{"type":"__X","more":1}]'], [false, '{}'], [false, '[1]'],
  [false, '[{"type":"x"}]'], [true, '[{"type":"__META","timestamp":"2017-06-07T05:51:08.021Z"}]'],
  [true, '[{"type":"kernel","id":"kernel/","parent":"","name":"","size_bytes":1}]'],
  [false, '[{"type":"kernel","id":"kernel/a","parent":"","name":"","size_bytes":1.5}]'],
  [false, '[{"type":"kernel","id":"k/a","parent":"","name":"","size_bytes":1}]'],
  [false, '[{"type":"j","id":"j/1","parent":"","name":""}]'],
  [true, '[{"type":"j","id":"j/1","koid":1,"parent":"","name":"","extra":[]}]'],
  [false, '[{"type":"p","id":"p/1","koid":1,"parent":"","name":"","pss_bytes":1}]'],
  [false, '[{"type":"t","id":"t/1","koid":1,"parent":"","name":""}]'],
  [false, '[{"type":"p","id":"p/1","koid":1,"parent":"","name":"","pss_bytes":1,'
    + '"private_bytes":1,"shared_bytes":1,"vmo_refs":[{"vmo_koid":1}]}]'],
  [true, '[{"type":"p","id":"p/1","koid":1,"parent":"","name":"","pss_bytes":1,'
    + '"private_bytes":1,"shared_bytes":1,"vmos":[{"koid":1}],"handle_stats":{"vmo":1}}]'],
];

const upstream = sharedPath('data/fuchsia/memgraph-schema.json');

t.test('our schema says the same of samples as upstream\'s', {
  skip: upstream === undefined ? 'no ../shared with memgraph-schema.json' : false,
}, async (t) => {
  const theirs = new Validator(JSON.parse(readFileSync(upstream ?? '', 'utf8')) as Schema, '4');
  const ours = new Validator(MEMGRAPH_SCHEMA as Schema, '4');
  for (const [valid, text] of SAMPLES) {
    const value: unknown = JSON.parse(text);
    t.strictSame([ours.validate(value).valid, theirs.validate(value).valid], [valid, valid], text);
  }
});

t.test('every document is valid', async (t) => {
  const schemas = [MEMGRAPH_SCHEMA as Schema];
  if (upstream !== undefined) schemas.push(JSON.parse(readFileSync(upstream, 'utf8')) as Schema);
  const validators = schemas.map((schema) => new Validator(schema, '4'));
  const check = (text: string, what: string): void => {
    const value: unknown = JSON.parse(text);
    for (const validator of validators) t.ok(validator.validate(value).valid, what);
  };
  check(memgraphText(withHandles(makeTables(NASTY)), ALL), 'hand-made');
  for (const spec of ['boot', NGINX, 'test/fixtures/edge-thp-ksm-swap-hugetlb-6.snap.jsonl.gz']) {
    const system = await System.open(spec);
    for (const policy of POLICIES) {
      check(memgraphText(await system.account({ policy, handleCounts: true }), ALL),
        `${spec} ${policy}`);
    }
  }
  t.strictSame(JSON.parse(memgraphSchemaText()), MEMGRAPH_SCHEMA, '-S');
});

t.test('any name comes back as it was, one record a line', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string(), (job, process) => {
    const text = memgraphText(makeTables({
      tasks: [
        { type: 'j', koid: 1, parent: 0, depth: 0, name: job },
        { type: 'p', koid: 2, parent: 1, depth: 1, name: process },
      ],
    }), { timestamp: TIMESTAMP });
    const names = parse(text).filter(({ type }) => type === 'j' || type === 'p')
      .map(({ name }) => name);
    return names[0] === job && names[1] === process && text.split('\n').length === 16;
  }));
});
