/**
 * The folder of shared data beside the repository: recorded systems, cases and golden outputs that
 * are too large to keep here. Where it is missing, tests that need it skip and say so.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const beside = fileURLToPath(new URL("../../../shared", import.meta.url));

/** Path of the shared folder, or undefined where there is none. */
export const sharedDir: string | undefined = existsSync(join(beside, "data")) ? beside : undefined;

/** For tap's `skip` option: false, or why the test is left out. */
export const skipWithoutShared: string | false =
  sharedDir === undefined ? "no ../shared beside the repository" : false;

/** Path of a file in the shared folder, or undefined where it is not there. */
export function sharedPath(...parts: string[]): string | undefined {
  if (sharedDir === undefined) return undefined;
  const path = join(sharedDir, ...parts);
  return existsSync(path) ? path : undefined;
}

/** Paths of the files in one shared folder whose names match, by name; none where it is missing. */
export function sharedFiles(folder: string, pattern: RegExp): string[] {
  const dir = sharedPath(folder);
  if (dir === undefined) return [];
  const names = readdirSync(dir).filter((name) => pattern.test(name));
  return names.sort().map((name) => join(dir, name));
}
