/**
 * The repository's own sources as the tidy test looks at them: text, imports, functions, members.
 * AssemblyScript parses as TypeScript; nothing here needs its types.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** The repository's top folder. */
export const repositoryDir: string = fileURLToPath(new URL("../..", import.meta.url));

/** One source file. `path` is relative to the repository, with `/`; `room` its first part. */
export interface Source {
  path: string;
  room: string;
  text: string;
  lines: string[];
  tree: ts.SourceFile;
}

/** Every source file under these top folders, by path; a missing folder has none. */
export function readSources(folders: string[]): Source[] {
  const found: Source[] = [];
  for (const room of folders) {
    const dir = join(repositoryDir, room);
    if (!existsSync(dir)) continue;
    const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
    for (const name of names.sort()) {
      if (!/\.(ts|mjs|js)$/.test(name)) continue;
      const file = join(dir, name);
      const path = relative(repositoryDir, file).replaceAll("\\", "/");
      const text = readFileSync(file, "utf8");
      const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
      found.push({ path, room, text, lines: text.replace(/\n$/, "").split("\n"), tree });
    }
  }
  return found;
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

function lineOf(source: Source, position: number): number {
  return source.tree.getLineAndCharacterOfPosition(position).line + 1;
}

/**
 * What a file imports (also dynamically, re-exported, or as a type): paths relative to the
 * repository for relative specifiers, packages as `node_modules/NAME`.
 */
export function importsOf(source: Source): string[] {
  const found: string[] = [];
  const add = (specifier: ts.Node | undefined) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const name = specifier.text;
    found.push(name.startsWith(".")
      ? posix.join(posix.dirname(source.path), name).replace(/\.js$/, ".ts")
      : `node_modules/${name}`);
  };
  visit(source.tree, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0]);
    }
  });
  return found;
}

/** Every function with a body: where it begins and how many lines it takes. */
export function findFunctions(source: Source): { name: string; line: number; lines: number }[] {
  const found: { name: string; line: number; lines: number }[] = [];
  visit(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return;
    const line = lineOf(source, node.getStart(source.tree));
    const lines = lineOf(source, node.end) - line + 1;
    found.push({ name: node.name?.getText(source.tree) ?? "a function", line, lines });
  });
  return found;
}

/** Members a file names after a dot or takes apart by pattern, and the names it declares itself. */
export function namedMembers(source: Source): {
  declared: string[];
  accessed: { name: string; of: string; line: number }[];
} {
  const declared: string[] = [];
  const accessed: { name: string; of: string; line: number }[] = [];
  visit(source.tree, (node) => {
    const line = () => lineOf(source, node.getStart(source.tree));
    if (ts.isPropertyAccessExpression(node)) {
      const of = node.expression.getText(source.tree);
      accessed.push({ name: node.name.text, of, line: line() });
    } else if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
      const of = node.expression.getText(source.tree);
      accessed.push({ name: node.argumentExpression.text, of, line: line() });
    } else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
      const name = (node.propertyName ?? node.name).getText(source.tree);
      accessed.push({ name, of: "", line: line() });
    } else if (isNamedDeclaration(node)) {
      declared.push(node.name.text);
    }
  });
  return { declared, accessed };
}

function isNamedDeclaration(node: ts.Node): node is ts.Node & { name: ts.Identifier } {
  const declares = ts.isMethodDeclaration(node) || ts.isPropertyDeclaration(node)
    || ts.isPropertySignature(node) || ts.isMethodSignature(node) || ts.isGetAccessor(node)
    || ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node) || ts.isParameter(node)
    || ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)
    || ts.isEnumMember(node);
  return declares && node.name !== undefined && ts.isIdentifier(node.name as ts.Node);
}
