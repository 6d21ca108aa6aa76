/**
 * Builds `build/`: `core.wasm`, `debug.wasm` (AssemblyScript), the JavaScript with its types (tsc),
 * the style of the treemap page and the embedded systems, all side by side. Options:
 *   --prepare  passes where the compilers are not installed and `build/` is there
 *   --stale    the same, and does nothing where `build/` is newer than every source
 * Ends with status 1 when a compiler does.
 */
import { spawn } from "node:child_process";
import {
  chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const build = join(root, "build");
const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const outputs = ["core.wasm", "debug.wasm", "index.js", "cli/main.js"].map((f) => join(build, f));
const configs = ["asconfig.json", "tsconfig.json", "tsconfig.build.json", "package.json"];

/** Every file under `folder`, or none where it does not exist.
 * @param {string} folder @returns {string[]} */
function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
}

/** When the file last changed, in ms. @param {string} file */
const changedMs = (file) => statSync(file).mtimeMs;

function isFresh() {
  if (!outputs.every(existsSync)) return false;
  const sources = [...filesUnder(join(root, "src")), ...filesUnder(join(root, "assembly"))];
  sources.push(...configs.map((f) => join(root, f)));
  return Math.min(...outputs.map(changedMs)) >= Math.max(...sources.map(changedMs));
}

/** Takes away what tsc emitted from sources that are gone: the package holds all of `build/`. */
function removeLeftovers() {
  for (const file of filesUnder(build)) {
    if (!/\.(js|d\.ts)$/.test(file)) continue;
    const source = relative(build, file).replace(/(\.d\.ts|\.js)$/, ".ts");
    if (!existsSync(join(root, "src", source))) rmSync(file);
  }
}

/** Copies what is no TypeScript: the style of the treemap page, the embedded systems. */
function copyAssets() {
  for (const file of filesUnder(join(root, "src"))) {
    if (!/\.(css|json)$/.test(file)) continue;
    const to = join(build, relative(join(root, "src"), file));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(file, to);
  }
}

/** Runs one compiler; what it says is shown when it fails or warns.
 * @param {string[]} args @returns {Promise<boolean>} whether it passed */
function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    child.stderr.on("data", (chunk) => (said += chunk));
    child.on("close", (code) => {
      if (code !== 0 || said.includes("WARNING")) process.stderr.write(said);
      resolve(code === 0);
    });
  });
}

async function buildAll() {
  const startMs = performance.now();
  const passed = await Promise.all([
    run([asc, "--target", "release"]),
    run([asc, "--target", "debug"]),
    run([tsc, "-p", "tsconfig.build.json"]),
  ]);
  removeLeftovers();
  copyAssets();
  const command = join(build, "cli/main.js");
  if (existsSync(command)) chmodSync(command, 0o755);
  if (passed.includes(false)) return false;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const wasmBytes = statSync(join(build, "core.wasm")).size;
  console.log(`built build/ in ${seconds} s; core.wasm is ${wasmBytes} bytes`);
  return true;
}

const tolerant = process.argv.includes("--prepare") || process.argv.includes("--stale");
if (tolerant && !(existsSync(asc) && existsSync(tsc))) {
  const built = existsSync(join(build, "core.wasm"));
  const then = built ? "build/ stays as it is" : "and there is no build/";
  console.log(`the AssemblyScript or TypeScript compiler is not installed; ${then}`);
  process.exitCode = built ? 0 : 1;
} else if (!(process.argv.includes("--stale") && isFresh())) {
  process.exitCode = (await buildAll()) ? 0 : 1;
}
