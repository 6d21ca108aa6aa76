/**
 * The schema of `memgraph`'s output (JSON Schema, draft 4): what `memgraph -S` prints.
 *
 * It accepts what upstream's accepts; a test compares the two. Keys that the schema does not name
 * are allowed, so readers of either take documents of both.
 */

type Schema = Readonly<Record<string, unknown>>;

const STRING: Schema = { type: 'string' };
const INTEGER: Schema = { type: 'integer' };

/** A record with these fields, the required ones first. */
function record(required: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  return {
    type: 'object', properties: { ...required, ...more }, required: Object.keys(required),
  };
}

/** What all records but `__META` have; the id begins with `prefix`, the type is `type`. */
function node(type: string, prefix: string): Readonly<Record<string, Schema>> {
  return {
    id: { type: 'string', pattern: `^${prefix}/.*` },
    type: { type: 'string', pattern: `^${type}$` },
    parent: STRING,
    name: STRING,
  };
}

const LETTERS: Schema = { type: 'array', items: STRING };

const VMO = record({ koid: INTEGER }, {
  name: STRING, size_bytes: INTEGER, parent_koid: INTEGER, num_children: INTEGER,
  num_mappings: INTEGER, share_count: INTEGER, committed_bytes: INTEGER,
});

const PROCESS = record({
  ...node('p', 'p'), koid: INTEGER, private_bytes: INTEGER, shared_bytes: INTEGER,
  pss_bytes: INTEGER,
}, {
  unmapped_bytes: INTEGER,
  kernel_bytes: INTEGER,
  vmos: { type: 'array', items: { $ref: '#/definitions/vmo' } },
  vmo_refs: { type: 'array', items: { $ref: '#/definitions/vmo_ref' } },
  handle_stats: { type: 'object', patternProperties: { '[a-zA-Z0-9_]+': INTEGER } },
});

/** The schema, ready for `JSON.stringify`. */
export const MEMGRAPH_SCHEMA: Schema = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  type: 'array',
  items: {
    anyOf: ['meta', 'kernel', 'job', 'process', 'thread']
      .map((kind) => ({ $ref: `#/definitions/${kind}` })),
  },
  definitions: {
    meta: record({ type: { type: 'string', pattern: '^__' } }, {
      timestamp: { type: 'string', format: 'date-time' }, policy: STRING,
    }),
    kernel: record({ ...node('kernel', 'kernel'), size_bytes: INTEGER }),
    job: record({ ...node('j', 'j'), koid: INTEGER }),
    process: PROCESS,
    thread: record({ ...node('t', 't'), koid: INTEGER, state: STRING }),
    vmo: VMO,
    vmo_ref: record({ vmo_koid: INTEGER, via: LETTERS }, { handle_rights: LETTERS }),
  },
};

/** The schema as text, ended by a line feed. */
export function memgraphSchemaText(): string {
  return `${JSON.stringify(MEMGRAPH_SCHEMA, undefined, 2)}\n`;
}
