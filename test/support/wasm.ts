/**
 * The names that the built core exports, read from the binaries.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryDir } from "./sources.js";

/** Every name exported by one of these files of `build/`. */
export function exportNames(files: string[]): Set<string> {
  const names = new Set<string>();
  for (const file of files) {
    const module = new WebAssembly.Module(readFileSync(join(repositoryDir, "build", file)));
    for (const entry of WebAssembly.Module.exports(module)) names.add(entry.name);
  }
  return names;
}
