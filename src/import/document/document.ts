/**
 * Systems that are tables only: a `memgraph` document or a `mem --print` capture.
 *
 * I1. The tables are read once and never change: they are of the instant the document was made, and
 *     follow the rule that it was made with.
 */

import { type AccountTables, type Policy, type Reach } from '../../accounting/tables.js';
import { fail } from '../../objects/errors.js';
import { readJson } from '../json-text.js';
import { sourceName, type SourceOptions } from '../source.js';
import { type DocumentDraft, documentTables } from './builder.js';
import { readCapture } from './capture.js';
import { Field } from './fields.js';
import { readMemgraph } from './memgraph.js';

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
  const value = await readJson(file, options);
  const document = new Field(sourceName(file), value);
  if (Array.isArray(value)) return new DocumentSystem(readMemgraph(document));
  if (typeof value === 'object' && value !== null) return new DocumentSystem(readCapture(document));
  return document.fail('an array (memgraph) or an object (mem --print)');
}
