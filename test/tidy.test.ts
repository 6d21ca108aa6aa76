/**
 * What the house rules say about the sources themselves: which room may import which, who may name
 * the core's exports, how long things are, what the package holds.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { exportNames } from "./support/wasm.js";
import {
  findFunctions, importsOf, namedMembers, readSources, repositoryDir, type Source,
} from "./support/sources.js";

const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;
const LINE_COLUMNS_MAX = 100;
const PACKED_BYTES_MAX = 1_000_000;

const sources = readSources(["src", "assembly", "test", "bench", "examples", "scripts"]);
const product = sources.filter((s) => s.room === "src" || s.room === "assembly");

/** A row for each room: it may import itself and rooms of a lower number. */
const LEVELS: Record<string, number> = {
  cli: 7, index: 6, system: 5, import: 4, export: 4, views: 4, accounting: 3, objects: 2, core: 1,
};

/** The room of a path under `src/`: its folder, or for a file at the top its name. */
function roomOf(path: string): string {
  return path.split("/")[1]!.replace(/\.ts$/, "");
}

/** One test for a rule: what breaks it, by name, instead of one assert for each line. */
function rule(t: Test, name: string, broken: string[]): void {
  t.strictSame(broken, [], name);
}

t.test("imports run downwards only", async (t) => {
  const src = sources.filter((s) => s.room === "src");
  rule(t, "every room is known", src.map((s) => s.path).filter((p) => !(roomOf(p) in LEVELS)));
  rule(t, "no room imports its equal or one above", src.flatMap((source) => {
    const from = roomOf(source.path);
    return importsOf(source).filter((to) => {
      if (!to.startsWith("src/")) return to.includes("/") && !to.startsWith("node_modules/");
      const room = roomOf(to);
      return room !== from && !(LEVELS[room]! < LEVELS[from]!);
    }).map((to) => `${source.path} imports ${to}`);
  }));
});

t.test("the slow model shares no code with what it checks", async (t) => {
  const model = sources.filter((s) => s.path.startsWith("test/model/"));
  const shared = model.filter((s) => !s.path.endsWith(".test.ts")).flatMap((source) =>
    importsOf(source).filter((to) => to.startsWith("src/"))
      .map((to) => `${source.path} imports ${to}`));
  rule(t, "no import from src", shared);
});

t.test("no Wasm export is named outside src/core/", async (t) => {
  const exported = exportNames(["core.wasm", "debug.wasm"]);
  t.ok(exported.size > 10, "the built core has exports");
  const src = sources.filter((s) => s.room === "src");
  const outside = src.filter((s) => roomOf(s.path) !== "core");
  const declared = new Set(src.flatMap((s) => namedMembers(s).declared));
  const onlyWasm = new Set([...exported].filter((name) => !declared.has(name)));
  rule(t, "raw exports stay behind the door", outside.flatMap((source) =>
    namedMembers(source).accessed
      .filter(({ name, of }) => name === "exports" || (name === "raw" && /core$/i.test(of))
        || (exported.has(name) && /(^|\W)(raw|exports)$/.test(of)))
      .map(({ name, line }) => `${source.path}:${line} uses .${name}`)));
  rule(t, "names that only the Wasm module has", outside.flatMap((source) =>
    namedMembers(source).accessed.filter(({ name }) => onlyWasm.has(name))
      .map(({ name, line }) => `${source.path}:${line} names ${name}`)));
});

t.test("files, functions and lines are short", async (t) => {
  rule(t, "files", sources.filter((s) => s.lines.length > FILE_LINES_MAX)
    .map((s) => `${s.path} has ${s.lines.length} lines`));
  rule(t, "functions", sources.flatMap((source) => findFunctions(source)
    .filter((f) => f.lines > FUNCTION_LINES_MAX)
    .map((f) => `${source.path}:${f.line} ${f.name} has ${f.lines} lines`)));
  rule(t, "lines", sources.flatMap((source) => source.lines.flatMap((line, i) =>
    [...line].length > LINE_COLUMNS_MAX
      ? [`${source.path}:${i + 1} has ${[...line].length} columns`] : [])));
});

t.test("every module begins with a comment", async (t) => {
  const begins = (s: Source) => /^(#!.*\n)?(\/\*\*|\/\/)/.test(s.text);
  rule(t, "modules", product.filter((s) => !begins(s)).map((s) => s.path));
});

t.test("the package is pinned, explained and small", async (t) => {
  const read = (name: string) => readFileSync(join(repositoryDir, name), "utf8");
  const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const pins = { ...manifest["dependencies"], ...manifest["devDependencies"] };
  rule(t, "versions are exact", Object.entries(pins)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)).map(([name]) => name));
  const reasons = read("docs/dependencies.md");
  const unexplained = Object.keys(pins).filter((name) => !reasons.includes(`| \`${name}\` |`));
  rule(t, "each has a reason", unexplained);
  t.notMatch(read("package-lock.json"), /"resolved": "[a-z+]+:\/\//, "the lock file names no host");

  // --ignore-scripts: `prepare` would build in the middle of the tests
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"];
  const shell = process.platform === "win32";
  const said = execFileSync("npm", args, { cwd: repositoryDir, encoding: "utf8", shell });
  const [packed] = JSON.parse(said) as [{ size: number; files: { path: string }[] }];
  t.ok(packed.size < PACKED_BYTES_MAX, `packed size is ${packed.size} bytes`);
  const paths = packed.files.map((file) => file.path);
  for (const wanted of ["build/core.wasm", "build/index.js", "build/index.d.ts", "LICENSE"]) {
    t.ok(paths.includes(wanted), `the package has ${wanted}`);
  }
  rule(t, "nothing else is in it", paths.filter((path) =>
    !/^(build|assembly)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path)
    && path !== "docs/scenario.schema.json"
    || /debug\.wasm|\.map$|bench|test/.test(path)));
});

t.test("the sample snapshots of the README are there", async (t) => {
  for (const name of ["nginx-6w", "edge-thp-ksm-swap-hugetlb-6"]) {
    t.ok(existsSync(join(repositoryDir, "test/fixtures", `${name}.snap.jsonl.gz`)), name);
  }
});
