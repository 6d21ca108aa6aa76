/**
 * Untrusted names made fit for a terminal.
 *
 * Names come from recorded processes and files: they may hold line breaks, which would forge
 * rows, and escape sequences, which would move the cursor or set the window's title. Each such
 * character becomes a visible escape (`\n`, `\x1b`, `\u{202e}`); everything else, backslashes
 * too, stays as it is, so that ordinary names print byte for byte.
 *
 * I1. The result holds no control character (C0, DEL, C1), no line or paragraph separator, no
 *     mark that changes the direction of text, and no lone surrogate.
 */

const INVISIBLE =
  /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]/gu;
/** As above, but for the line feed and tab that a text of ours is made with. */
const INVISIBLE_IN_TEXT =
  /(?![\n\t])[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}

/** A name as one line of text shows it: control characters become visible escapes. */
export function visibleName(name: string): string {
  return name.replace(INVISIBLE, visible);
}

/** A whole text as a terminal may be given it: as {@link visibleName}, but lines and tabs stay. */
export function visibleText(text: string): string {
  return text.replace(INVISIBLE_IN_TEXT, visible);
}
