/**
 * The one error for input that is not what it should be: a file, a line in it, what stood there
 * and what was expected instead, in one sentence a person can act on.
 *
 * I1. Text taken from the input is untrusted: it is shown cut short and with control characters
 *     escaped, so that a message never breaks a terminal or spreads over several lines.
 */

/** Longest piece of the input that a message repeats, in characters. */
const SHOWN_CHARS_MAX = 60;

/** Input that cannot be read as what it claims to be. */
export class InputError extends Error {
  /** Name of the file as the user gave it; `standard input` for `-`. */
  readonly file: string;
  /** Line the fault was found in, from 1; 0 where the fault belongs to no line. */
  readonly line: number;
  /** What was found there. */
  readonly found: string;
  /** What should have stood there. */
  readonly expected: string;

  /**
   * @param file - name of the file as the user gave it
   * @param line - line number from 1, or 0 for the file as a whole
   * @param found - what was found, a phrase
   * @param expected - what was expected, a phrase
   */
  constructor(file: string, line: number, found: string, expected: string) {
    const where = line > 0 ? `${printable(file)}, line ${line}` : printable(file);
    super(`${where}: found ${found}, expected ${expected}`);
    this.name = 'InputError';
    this.file = file;
    this.line = line;
    this.found = found;
    this.expected = expected;
  }
}

/**
 * A value from the input as a message may show it: JSON, one line, at most 60 characters.
 *
 * @param value - anything that came out of the input
 * @returns printable text
 */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = printable(asJson(value));
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX - 3)}...` : text;
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    // The parser takes any depth, the printer does not.
    if (error instanceof RangeError) return 'a value nested too deeply';
    throw error;
  }
}

/**
 * Text with every control character (C0, DEL, C1) escaped, so that it can be printed on a terminal.
 *
 * @param text - untrusted text
 * @returns the same text on one line without control characters
 */
export function printable(text: string): string {
   
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
