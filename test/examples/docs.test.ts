/**
 * The guides tell the truth: every block marked `console` in the README and in docs/ is run, and
 * shows what its commands print on standard output. A line `...` stands for any number of lines.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const guides = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .map((name) => `docs/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.md') && !name.startsWith('docs/api/'));
const pages = ['README.md', ...guides.sort()];

interface Shown {
  readonly command: string;
  readonly lines: string[];
}

/** The commands of a page's console blocks, each with the lines shown below it. */
const shownIn = (text: string): Shown[] => {
  const found: Shown[] = [];
  for (const [, block = ''] of text.matchAll(/^```console\n(.*?)^```/gms)) {
    for (const line of block.replace(/\n$/, '').split('\n')) {
      if (line.startsWith('$ ')) found.push({ command: line.slice(2), lines: [] });
      else found.at(-1)?.lines.push(line);
    }
  }
  return found;
};

/** What a command prints: `npx memsim` and `node` are this Node on this checkout. */
const outputOf = async (command: string): Promise<string[]> => {
  const [program, ...rest] = command.replace(/^npx memsim/, 'node build/cli/main.js').split(' ');
  if (program !== 'node') throw new Error(`a guide shows ${command}: expected npx memsim or node`);
  const { stdout } = await run(process.execPath, rest, { cwd: root, maxBuffer: 2 ** 26 });
  return stdout.replace(/\n$/, '').split('\n').map((line) => line.trimEnd());
};

/** Whether the lines shown are the lines printed, `...` aside. */
const agrees = (shown: readonly string[], printed: readonly string[]): boolean => {
  const [line, ...later] = shown;
  if (line === undefined) return printed.length === 0;
  if (line === '...') {
    return agrees(later, []) || printed.some((_, i) => agrees(later, printed.slice(i)));
  }
  return line.trimEnd() === printed[0] && agrees(later, printed.slice(1));
};

for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  t.test(page, async (t) => {
    await Promise.all(shownIn(text).map(async ({ command, lines }) => {
      const printed = await outputOf(command);
      if (agrees(lines, printed)) t.pass(command);
      else t.strictSame(printed.slice(0, lines.length + 5), lines, command);
    }));
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
    const broken = links.filter((to) => !existsSync(join(root, dirname(page), to)));
    t.strictSame(broken, [], 'links lead somewhere');
    const tests = [...text.matchAll(/`(test\/[\w./-]+)`/g)].map(([, to = '']) => to);
    t.strictSame(tests.filter((to) => !existsSync(join(root, to))), [], 'tests named are there');
  });
}
