/**
 * A line of the shell as commands: words, pipes between commands, a file for the last one's result.
 *
 *   memgraph -vt | treemap > mem.html      # three words, two commands, a file
 *
 * Words are split at blanks; '...' takes everything as it is, "..." all but \" and \\, and a
 * backslash outside takes the next character as it is. A # at the start of a word begins a comment.
 */

import { UsageError } from '../errors.js';

/** One command of a line: its name and arguments. */
export type Words = readonly string[];

/** What a line asks for. */
export interface Line {
  /** Commands, each one's result the next one's input; none for an empty line. */
  readonly commands: readonly Words[];
  /** Where the last result goes; undefined for the screen. */
  readonly file?: string;
  /** `>>`: behind what the file has. */
  readonly append: boolean;
}

/** A word, or one of the signs between words. */
interface Token {
  readonly text: string;
  readonly sign: boolean;
}

/** Reads one word from `start` on; stops at a blank or a sign outside of quotes. */
function readWord(line: string, start: number): { text: string; end: number } {
  let text = '';
  let quote = '';
  let at = start;
  for (; at < line.length; at++) {
    const char = line[at] as string;
    if (quote === '' && /[\s|>]/.test(char)) break;
    const next = line[at + 1];
    const escapes = quote === '' || (quote === '"' && (next === '"' || next === '\\'));
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === '\\' && escapes) {
      if (next === undefined) throw new UsageError('nothing follows the last \\');
      text += next;
      at++;
    } else text += char;
  }
  if (quote !== '') throw new UsageError(`a ${quote} is not closed`);
  return { text, end: at };
}

function tokensOf(line: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < line.length;) {
    const rest = line.slice(at);
    const sign = /^(\||>>|>)/.exec(rest)?.[0];
    if (/^\s/.test(rest)) at++;
    else if (sign !== undefined) {
      tokens.push({ text: sign, sign: true });
      at += sign.length;
    } else if (rest.startsWith('#')) break;
    else {
      const { text, end } = readWord(line, at);
      tokens.push({ text, sign: false });
      at = end;
    }
  }
  return tokens;
}

/**
 * Reads a line.
 *
 * @throws UsageError for a quote that is not closed, an empty command beside a pipe, or more or
 *     less than one file behind >
 */
export function parseLine(line: string): Line {
  const tokens = tokensOf(line);
  const commands: string[][] = [[]];
  let file: string | undefined;
  let append = false;
  for (let i = 0; i < tokens.length; i++) {
    const { text, sign } = tokens[i] as Token;
    if (file !== undefined) throw new UsageError(`'${text}' behind the file, expected the end`);
    if (!sign) commands.at(-1)?.push(text);
    else if (text === '|') commands.push([]);
    else {
      const name = tokens[++i];
      if (name === undefined || name.sign) throw new UsageError(`no file behind ${text}`);
      file = name.text;
      append = text === '>>';
    }
  }
  if (tokens.length === 0) return { commands: [], append };
  if (commands.some((words) => words.length === 0)) {
    throw new UsageError('no command beside | or >');
  }
  return { commands, append, ...(file === undefined ? {} : { file }) };
}
