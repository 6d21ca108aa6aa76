/**
 * `node --import ./scripts/ts-hook.mjs FILE.ts` runs TypeScript from the repository as tests do:
 * types are dropped, not checked, and `./x.js` beside a `x.ts` means the latter. For bench and
 * conformance only; the package does not need it.
 */
import { existsSync, readFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";

/** @type {nodeModule.ResolveHook} */
export function resolve(specifier, context, next) {
  const fromTs = context.parentURL?.endsWith(".ts") && specifier.startsWith(".");
  if (fromTs && specifier.endsWith(".js")) {
    const asTs = specifier.replace(/\.js$/, ".ts");
    if (existsSync(new URL(asTs, context.parentURL))) return next(asTs, context);
  }
  return next(specifier, context);
}

/** @type {typeof import("typescript") | undefined} */
let ts;

/** @type {nodeModule.LoadHook} */
export function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  ts ??= /** @type {typeof import("typescript")} */ (
    nodeModule.createRequire(import.meta.url)("typescript"));
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), "utf8"), {
    fileName: url,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  });
  return { format: "module", shortCircuit: true, source: outputText };
}

// The loader's own thread evaluates this file a second time: it must not register itself again.
const registered = Symbol.for("zircon-memsim.ts-hook");
/** @type {Record<symbol, boolean>} */
const globals = /** @type {any} */ (globalThis);
if (!globals[registered] && !import.meta.url.includes("#hooks")) {
  globals[registered] = true;
  nodeModule.register(`${import.meta.url}#hooks`);
}
