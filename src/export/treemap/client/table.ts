/**
 * The table beside the picture: what stands below the row zoomed to, or what was found, sortable.
 *
 * Runs in the browser.
 *
 * I1. Only the rows in sight are in the document: ten thousand processes scroll like ten.
 * I2. Text is set as text: no name is ever read as HTML.
 */

import { bytesText, shareText, sizeText } from './format.js';
import type { Measure, Tree } from './model.js';

/** What the table shows. */
export interface TableView {
  /** Rows of the tree. */ readonly rows: readonly number[];
  /** What sizes are of. */ readonly measure: Measure;
  /** The row that shares are of. */ readonly whole: number;
  /** The row that the second share is of. */ readonly all: number;
  /** Whether they were searched for: then each says where it stands. */ readonly found: boolean;
}

/** What the table tells the page. */
export interface TableEvents {
  /** A row was chosen. */ readonly choose: (row: number) => void;
  /** A row is pointed at, or none. */ readonly point: (row: number | undefined) => void;
}

type SortKey = 'name' | 'size';

const ROW_HEIGHT = 44;
const ROWS_BEYOND = 12;
/** Longest path that is shown whole. */
const PATH_MAX = 24;

/** An element with text in it. */
export function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

/** The table. */
export class Table {
  private view: TableView | undefined;
  private sorted: number[] = [];
  private sortKey: SortKey = 'size';
  private descending = true;
  private shownFrom = -1;
  private readonly body: HTMLElement;
  private readonly heads: readonly HTMLElement[];

  /**
   * @param frame - what scrolls
   * @param table - the table in it, its head filled
   * @param tree - the tree
   * @param events - what to call
   */
  constructor(
    private readonly frame: HTMLElement, private readonly table: HTMLElement,
    private readonly tree: Tree, private readonly events: TableEvents,
  ) {
    this.body = table.querySelector('tbody') as HTMLElement;
    this.heads = [...table.querySelectorAll<HTMLElement>('th[data-sort]')];
    for (const head of this.heads) {
      head.querySelector('button')?.addEventListener('click', () => {
        const key = head.dataset['sort'] as SortKey;
        this.descending = key === this.sortKey ? !this.descending : key === 'size';
        this.sortKey = key;
        this.sort();
      });
    }
    frame.addEventListener('scroll', () => this.fill(false));
    new ResizeObserver(() => this.fill(true)).observe(frame);
    this.body.addEventListener('pointerover', (event) => events.point(this.rowOf(event)));
    this.body.addEventListener('pointerleave', () => events.point(undefined));
    this.body.addEventListener('focusin', (event) => events.point(this.rowOf(event)));
    this.body.addEventListener('click', (event) => {
      const row = this.rowOf(event);
      if (row !== undefined) events.choose(row);
    });
  }

  /** Shows other rows, from the top. */
  show(view: TableView): void {
    this.view = view;
    this.frame.scrollTop = 0;
    this.table.setAttribute('aria-rowcount', String(view.rows.length + 1));
    this.sort();
  }

  private rowOf(event: Event): number | undefined {
    const line = (event.target as Element).closest('tr[data-row]');
    return line === null ? undefined : Number((line as HTMLElement).dataset['row']);
  }

  private sort(): void {
    const { view, tree, sortKey } = this;
    if (view === undefined) return;
    const { measure } = view;
    const order = (a: number, b: number): number => {
      if (sortKey === 'size') return tree.bytes(a, measure) - tree.bytes(b, measure);
      return tree.name(a).localeCompare(tree.name(b), 'en', { numeric: true });
    };
    const sign = this.descending ? -1 : 1;
    this.sorted = [...view.rows].sort((a, b) => sign * order(a, b) || a - b);
    for (const head of this.heads) {
      const own = head.dataset['sort'] === sortKey;
      head.setAttribute('aria-sort',
        own ? (this.descending ? 'descending' : 'ascending') : 'none');
    }
    this.fill(true);
  }

  /** Puts the rows in sight into the document. */
  private fill(force: boolean): void {
    const { view, sorted, frame, body } = this;
    if (view === undefined) return;
    const from = Math.max(0, Math.floor(frame.scrollTop / ROW_HEIGHT) - ROWS_BEYOND);
    if (!force && Math.abs(from - this.shownFrom) < ROWS_BEYOND / 2) return;
    this.shownFrom = from;
    const count = Math.ceil(frame.clientHeight / ROW_HEIGHT) + 2 * ROWS_BEYOND;
    const to = Math.min(sorted.length, from + count);
    const lines = [spacer(from)];
    for (let i = from; i < to; i++) lines.push(this.line(sorted[i]!, i, view));
    lines.push(spacer(sorted.length - to));
    body.replaceChildren(...lines);
  }

  private line(row: number, index: number, view: TableView): HTMLElement {
    const { tree } = this;
    const { measure, whole, all, found } = view;
    const bytes = tree.bytes(row, measure);
    const line = element('tr', '');
    line.dataset['row'] = String(row);
    line.setAttribute('aria-rowindex', String(index + 2));
    const name = element('td', 'name');
    const label = element('button', 'row-name');
    const words = element('span', 'words');
    const above = tree.parent(row);
    const where = found && above >= 0 ? ` in ${tree.name(above)}` : '';
    words.append(element('span', 'label', shortPath(tree.name(row))),
      element('span', 'what', tree.what(row) + where));
    label.append(element('span', `swatch ${tree.kind(row)}`), words);
    label.title = tree.path(row).map((at) => tree.name(at)).join(' \u203a ');
    name.append(label);
    const size = element('td', 'number', sizeText(bytes));
    size.title = bytesText(bytes);
    const share = element('td', 'number share', shareText(bytes, tree.bytes(whole, measure)));
    const part = tree.bytes(whole, measure) === 0 ? 0 : bytes / tree.bytes(whole, measure);
    share.style.setProperty('--part', `${(100 * part).toFixed(2)}%`);
    line.append(
      name, size, share,
      element('td', 'number', shareText(bytes, tree.bytes(all, measure))),
    );
    return line;
  }
}

/** A long path by its last part; the whole stands in the row's title. */
function shortPath(name: string): string {
  const last = name.lastIndexOf('/');
  return name.length > PATH_MAX && last > 0 ? `\u2026${name.slice(last)}` : name;
}

/** Stands for rows that are not in the document. */
function spacer(rows: number): HTMLElement {
  const line = element('tr', 'spacer');
  line.setAttribute('aria-hidden', 'true');
  const cell = element('td', '');
  cell.setAttribute('colspan', '4');
  cell.style.height = `${rows * ROW_HEIGHT}px`;
  line.append(cell);
  return line;
}
