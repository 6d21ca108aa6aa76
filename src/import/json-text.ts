/**
 * Reading a whole input as one JSON value.
 *
 * I1. Every failure is an {@link InputError} that names the file, and the line where there is one.
 */

import { InputError, shown } from './errors.js';
import { readLines, sourceName, type SourceOptions } from './source.js';

/** Longest text that is taken, characters. */
const CHARS_MAX = 2 ** 28;

/** The whole text of an input. */
async function readText(file: string, options: SourceOptions): Promise<string> {
  const parts: string[] = [];
  let chars = 0;
  for await (const { lines, torn } of readLines(file, options)) {
    parts.push(lines.join('\n'), torn ? '' : '\n');
    chars += (parts.at(-2)?.length ?? 0) + 1;
    if (chars > CHARS_MAX) {
      throw new InputError(sourceName(file), 0, `more than ${CHARS_MAX} characters`,
        'a document of at most so many');
    }
  }
  return parts.join('');
}

/** What JSON.parse says of a text that is none; it does not always say where. */
function notJson(file: string, text: string, error: Error): InputError {
  const place = Number(/ at position (\d+)/.exec(error.message)?.[1] ?? NaN);
  if (/end of JSON/i.test(error.message) || place >= text.length) {
    const line = text.split('\n').length;
    return new InputError(file, line, 'the end of the text', 'a whole JSON document');
  }
  const what = error.message.replace(/,? ("| in JSON).*/s, '');
  const line = Number.isNaN(place) ? 0 : text.slice(0, place).split('\n').length;
  return new InputError(file, line, `what is no JSON (${shown(what)})`, 'a JSON document');
}

/**
 * Reads an input as one JSON value.
 *
 * @param file - path, or `-` for standard input
 * @param options - progress, or bytes to read instead
 * @throws InputError for what is no JSON, or cannot be read
 */
export async function readJson(file: string, options: SourceOptions = {}): Promise<unknown> {
  const text = await readText(file, options);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw notJson(sourceName(file), text, error);
    throw error;
  }
}
