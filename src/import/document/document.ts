/**
 * Systems that are tables only: a `memgraph` document or a `mem --print` capture.
 *
 * I1. The tables are read once and never change: they are of the instant the document was made, and
 *     follow the rule that it was made with.
 */

import { type AccountTables, type Policy, type Reach } from '../../accounting/tables.js';
import { fail } from '../../objects/errors.js';
import { InputError, shown } from '../errors.js';
import { readLines, sourceName, type SourceOptions } from '../source.js';
import { type DocumentDraft, documentTables } from './builder.js';
import { readCapture } from './capture.js';
import { Field } from './fields.js';
import { readMemgraph } from './memgraph.js';

/** Longest text that is taken for a document, characters. */
const CHARS_MAX = 2 ** 28;

/** A system that is known by its tables alone: it has no pages. */
export class DocumentSystem {
  /** The tables of the document. */
  readonly tables: AccountTables;
  /** The policy that its figures follow. */
  readonly defaultPolicy: Policy;
  /** What reached a page there. */
  readonly defaultReach: Reach;
  /** Lines a user should see about how the system came to be. */
  readonly notes: readonly string[];

  /**
   * @param draft - what the document says
   *
   * @internal
   */
  constructor(draft: DocumentDraft) {
    this.tables = documentTables(draft);
    this.defaultPolicy = this.tables.policy;
    this.defaultReach = this.tables.reach;
    this.notes = draft.notes;
  }

  /**
   * The tables of the document.
   *
   * @throws ZxError ZX_ERR_NOT_SUPPORTED for another policy or reach than the document's
   */
  account(options: { policy?: Policy; reach?: Reach } = {}): Promise<AccountTables> {
    const { policy = this.defaultPolicy, reach = this.defaultReach } = options;
    return new Promise((resolve) => {
      if (policy !== this.defaultPolicy || reach !== this.defaultReach) {
        const own = `${this.defaultPolicy} by ${this.defaultReach} pages`;
        fail('ZX_ERR_NOT_SUPPORTED',
          `a document is tables without pages: its figures are ${own}, not ${policy} by ${reach}`,
          { policy, reach });
      }
      resolve(this.tables);
    });
  }

  /** A document has no pages: always refuses with ZX_ERR_NOT_SUPPORTED. */
  page(): Promise<never> {
    return new Promise(() => {
      fail('ZX_ERR_NOT_SUPPORTED', 'a document is tables without pages: page needs a system');
    });
  }
}

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
 * Reads a document.
 *
 * @param file - path, or `-` for standard input
 * @param options - progress, or bytes to read instead
 * @throws InputError for what is no such document, with the JSON path of what is wrong
 */
export async function readDocument(
  file: string, options: SourceOptions = {},
): Promise<DocumentSystem> {
  const name = sourceName(file);
  const text = await readText(file, options);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw notJson(name, text, error);
    throw error;
  }
  const document = new Field(name, value);
  if (Array.isArray(value)) return new DocumentSystem(readMemgraph(document));
  if (typeof value === 'object' && value !== null) return new DocumentSystem(readCapture(document));
  return document.fail('an array (memgraph) or an object (mem --print)');
}
