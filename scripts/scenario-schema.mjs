/**
 * Writes `docs/scenario.schema.json`, the JSON Schema of scenarios, from the schema that the
 * program checks them with. Run after `npm run build`; a test says when the file is old.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toJsonSchema } from "@valibot/to-json-schema";
import * as parts from "../build/import/scenario/parts.js";
import { region, scenario } from "../build/import/scenario/schema.js";
import { step } from "../build/import/scenario/step-schema.js";
import * as values from "../build/import/scenario/values.js";

const { size, time, target, range, ranges } = values;
const { content, clone, vmo, mapped, mapping, vmar, thread, handle, policy, job } = parts;
/** Schemas with names, each behind those that it is made of. */
const named = {
  size, time, target, range, ranges, content, clone, vmo, mapped, mapping, vmar, thread, handle,
  policy, process: parts.process, job, region, step,
};
/** Those that contain themselves. */
const recursive = { job, region, step, vmar };

/** @typedef {{ [key: string]: unknown }} Schema */

/** A JSON Schema of one of ours. @param {import("valibot").GenericSchema} schema */
const written = (schema) => /** @type {Schema & { $defs: { [name: string]: Schema } }} */ (
  toJsonSchema(schema, { target: "draft-2020-12", definitions: recursive }));

/** A schema as text, without what it means where it stands. @param {Schema} schema */
function bare(schema) {
  return JSON.stringify({ ...schema, description: undefined });
}

/** Puts a reference wherever a named schema was written out, from the inside out.
 * @param {unknown} value @param {Map<string, string>} names @returns {unknown} */
function folded(value, names) {
  if (Array.isArray(value)) return value.map((item) => folded(item, names));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, folded(item, names)]);
  const schema = /** @type {Schema} */ (Object.fromEntries(entries));
  const name = names.get(bare(schema));
  if (name === undefined) return schema;
  const { description } = schema;
  return { $ref: `#/$defs/${name}`, ...(description === undefined ? {} : { description }) };
}

/** The JSON Schema as text. */
export function schemaText() {
  const { $defs, ...whole } = written(scenario);
  const names = new Map();
  /** @type {{ [name: string]: unknown }} */
  const defs = {};
  for (const [name, ours] of Object.entries(named)) {
    const own = name in recursive ? /** @type {Schema} */ ($defs[name]) : written(ours);
    const schema = /** @type {Schema} */ (folded(own, names));
    delete schema.$schema;
    delete schema.$defs;
    defs[name] = schema;
    names.set(bare(schema), name);
  }
  const rest = /** @type {Schema} */ (folded(whole, names));
  const schema = { title: "A scenario of zircon-memsim", ...rest, $defs: defs };
  return `${JSON.stringify(schema, null, 1)}\n`;
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] === self) {
  const file = fileURLToPath(new URL("../docs/scenario.schema.json", import.meta.url));
  writeFileSync(file, schemaText());
  console.log(`wrote ${file}`);
}
