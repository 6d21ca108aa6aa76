/**
 * Runs tap, passes its output on, and ends with the plain line `N passed, N failed[, N skipped]`
 * taken from tap's own totals (asserts). Exit status is tap's. Arguments go to tap, but for:
 *   --long  the campaigns: MEMSIM_LONG=1 for the tests, and an hour for each file
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tap = fileURLToPath(new URL("../node_modules/tap/dist/esm/run.mjs", import.meta.url));
const long = process.argv.includes("--long");
const args = process.argv.slice(2).filter((arg) => arg !== "--long");
if (long) args.unshift("--timeout=3600");

const env = { ...process.env, ...(long ? { MEMSIM_LONG: "1" } : {}) };
const child = spawn(process.execPath, [tap, "run", ...args], {
  cwd: root,
  env,
  stdio: ["inherit", "pipe", "inherit"],
});

let tail = "";
child.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  tail = (tail + chunk).slice(-65536);
});

/** The plain line, or undefined where tap printed no totals. @param {string} text */
function plainLine(text) {
  const all = [...text.matchAll(/# \{ total: \d+,[^}]*\}/g)];
  const last = all.at(-1)?.[0];
  if (last === undefined) return undefined;
  /** @param {string} key */
  const count = (key) => Number(new RegExp(`\\b${key}: (\\d+)`).exec(last)?.[1] ?? 0);
  const skipped = count("skip") + count("todo");
  const line = `${count("pass")} passed, ${count("fail")} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

child.on("close", (code, signal) => {
  const line = plainLine(tail.replace(/\x1b\[[0-9;]*m/g, ""));
  console.log(line ?? "0 passed, 1 failed");
  process.exitCode = code ?? (signal === null ? 0 : 1);
  if (line === undefined) process.exitCode ||= 1;
});
