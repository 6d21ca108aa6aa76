/**
 * The treemap page: what is zoomed to, what is searched for, what is pointed at; and the events
 * that change it.
 *
 * Runs in the browser, after the page's own elements.
 *
 * I1. All state is in {@link State}; every change goes through `update`, which lays out and draws.
 * I2. Untrusted names reach the document as text or as pixels, never as HTML.
 */

import { bytesText, shareText, sizeText } from './format.js';
import { layOut, type Tile, tileAt } from './layout.js';
import { type Measure, type PageData, Tree } from './model.js';
import { outline, Painter, readTheme } from './paint.js';
import { element, Table } from './table.js';

interface State {
  /** Row zoomed to. */ top: number;
  /** What areas stand for. */ measure: Measure;
  /** What is searched for. */ search: string;
  /** Rows found. */ found: number[];
  /** Rows that are not dimmed; undefined: all. */ lit: Uint8Array | undefined;
  /** Tile pointed at or moved to; -1 for none. */ at: number;
}

const MEASURE_WORDS: Readonly<Record<Measure, string>> = {
  pss: 'PSS', private: 'private', committed: 'committed', virtual: 'virtual size',
};
const ZOOM_MS = 180;

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** The page at work. */
class App {
  private readonly tree: Tree;
  private readonly map = byId('map');
  private readonly picture = byId('picture') as HTMLCanvasElement;
  private readonly overlay = byId('overlay') as HTMLCanvasElement;
  private readonly search = byId('search') as HTMLInputElement;
  private readonly table: Table;
  private theme = readTheme();
  private tiles: Tile[] = [];
  private width = 0;
  private height = 0;
  private animation = 0;
  /** Milliseconds from the script's start to the first picture. */
  firstPaintMs = 0;
  private readonly state: State;

  constructor(private readonly data: PageData) {
    this.tree = new Tree(data);
    this.state = {
      top: this.tree.top('private'), measure: 'pss', search: '', found: [], lit: undefined, at: -1,
    };
    this.table = new Table(byId('rows'), byId('table'), this.tree, {
      choose: (row) => this.choose(row),
      point: (row) => this.point(row === undefined
        ? -1 : this.tiles.findIndex((tile) => tile.row === row && tile.merged === 0)),
    });
    this.readHash();
    this.listen();
    this.resize();
    this.update();
  }

  /** The tiles on the page, for tests and for the console. */
  shown(): object[] {
    return this.tiles.map(({ row, merged, isContainer, value, x0, y0, x1, y1 }) => ({
      row, name: this.tree.name(row), koid: this.tree.koid(row), kind: this.tree.kind(row),
      merged, isContainer, bytes: value, x: x0, y: y0, width: x1 - x0, height: y1 - y0,
    }));
  }

  private listen(): void {
    new ResizeObserver(() => {
      if (this.resize()) this.update(false);
    }).observe(this.map);
    this.map.addEventListener('pointermove', (event) => {
      const { left, top } = this.map.getBoundingClientRect();
      const [x, y] = [event.clientX - left, event.clientY - top];
      this.point(tileAt(this.tiles, x, y));
      this.tooltip(x, y);
    });
    this.map.addEventListener('pointerleave', () => {
      this.point(-1);
      byId('tip').hidden = true;
    });
    this.map.addEventListener('click', (event) => {
      const { left, top } = this.map.getBoundingClientRect();
      this.enter(tileAt(this.tiles, event.clientX - left, event.clientY - top));
    });
    this.map.addEventListener('keydown', (event) => this.key(event));
    this.map.addEventListener('blur', () => this.point(-1));
    for (const input of document.querySelectorAll<HTMLInputElement>('input[name=measure]')) {
      input.addEventListener('change', () => this.setMeasure(input.value as Measure));
    }
    this.search.addEventListener('input', () => this.find(this.search.value));
    this.search.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.find(this.search.value = '');
      const [first] = this.state.found;
      if (event.key === 'Enter' && first !== undefined) this.choose(this.largest());
    });
    byId('theme').addEventListener('click', () => this.changeTheme());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.newTheme());
    addEventListener('hashchange', () => {
      this.readHash();
      this.update();
    });
    addEventListener('keydown', (event) => {
      const typing = event.target instanceof HTMLInputElement && event.target.type === 'search';
      if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        this.search.focus();
      }
    });
  }

  /** Takes the picture's size; false where it is as it was. */
  private resize(): boolean {
    const { clientWidth: width, clientHeight: height } = this.map;
    const scale = devicePixelRatio || 1;
    if (width === this.width && height === this.height
      && this.picture.width === Math.round(width * scale)) return false;
    this.width = width;
    this.height = height;
    for (const canvas of [this.picture, this.overlay]) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    return true;
  }

  private context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    const scale = devicePixelRatio || 1;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    return context;
  }

  /** Lays out and draws; `words` too, where what is shown changed. */
  private update(words = true): void {
    const { state, tree } = this;
    this.tiles = layOut(tree, state.top, state.measure, this.width, this.height);
    state.at = -1;
    this.draw();
    if (words) this.words();
  }

  private draw(): void {
    cancelAnimationFrame(this.animation);
    const context = this.context(this.picture);
    new Painter(context, this.tree, this.tiles, this.theme, this.state.lit)
      .paint(this.width, this.height);
    this.drawOverlay();
    byId('empty').hidden = this.tiles.length > 0;
  }

  private drawOverlay(): void {
    const context = this.context(this.overlay);
    context.clearRect(0, 0, this.width, this.height);
    outline(context, this.tiles, this.state.at, this.theme);
  }

  /** Everything that is text: the way here, the table, the announcement. */
  private words(): void {
    const { state, tree } = this;
    const way = tree.path(state.top).map((row) => {
      const last = row === state.top;
      const step = element('li', '');
      const link = element(last ? 'span' : 'button', last ? 'here' : 'link', tree.name(row));
      const size = sizeText(tree.bytes(row, state.measure));
      const counted = row >= tree.top(state.measure);
      if (counted) {
        const what = last ? ` ${MEASURE_WORDS[state.measure]}` : '';
        link.append(element('span', 'size', ` ${size}${what}`));
      }
      if (last) {
        link.setAttribute('aria-current', 'page');
      } else {
        link.addEventListener('click', () => this.zoom(row));
      }
      step.append(link);
      return step;
    });
    byId('way').replaceChildren(...way);
    const found = state.search !== '';
    byId('caption').textContent = found
      ? `${state.found.length.toLocaleString('en')} found for \u201c${state.search}\u201d`
      : `In ${tree.name(state.top)}`;
    this.table.show({
      rows: found ? state.found
        : [...tree.children(state.top)].filter((row) => tree.bytes(row, state.measure) > 0),
      measure: state.measure, whole: state.top, all: tree.top(state.measure), found,
    });
    byId('said').textContent = found ? `${state.found.length} found`
      : `${tree.name(state.top)}, ${sizeText(tree.bytes(state.top, state.measure))}`;
  }

  /** Shows a row's inside. */
  private zoom(row: number): void {
    const { state, tree } = this;
    if (row === state.top || !tree.hasChildren(row)) return;
    const from = this.tiles.find((tile) => tile.row === row && tile.merged === 0);
    state.top = row;
    if (location.hash !== `#${row}`) history.pushState(null, '', `#${row}`);
    this.update();
    if (from !== undefined) this.animate(from);
  }

  /** Lets the picture grow out of the tile that was chosen. */
  private animate(from: Tile): void {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches || this.width === 0) return;
    const still = document.createElement('canvas');
    still.width = this.picture.width;
    still.height = this.picture.height;
    still.getContext('2d')?.drawImage(this.picture, 0, 0);
    const begin = performance.now();
    const step = (now: number): void => {
      const part = Math.min(1, Math.max(0, now - begin) / ZOOM_MS);
      const eased = 1 - (1 - part) ** 3;
      const context = this.context(this.picture);
      const mix = (a: number, b: number): number => a + (b - a) * eased;
      const [x0, y0] = [mix(from.x0, 0), mix(from.y0, 0)];
      context.fillStyle = this.theme.gap;
      context.fillRect(0, 0, this.width, this.height);
      context.drawImage(still, x0, y0, mix(from.x1, this.width) - x0,
        mix(from.y1, this.height) - y0);
      if (part < 1) this.animation = requestAnimationFrame(step);
      else this.draw();
    };
    this.animation = requestAnimationFrame(step);
  }

  /** A tile was clicked: to the innermost row with something in it that is drawn there. */
  private enter(index: number): void {
    const tile = this.tiles[index];
    if (tile === undefined) return;
    const inside = this.tree.hasChildren(tile.row) && tile.row !== this.state.top;
    if (inside) this.zoom(tile.row);
    else if (tile.above >= 0) this.zoom(this.tiles[tile.above]!.row);
  }

  /** A row of the table was chosen. */
  private choose(row: number): void {
    const { tree } = this;
    const target = tree.hasChildren(row) ? row : tree.parent(row);
    if (target >= 0) this.zoom(target);
    this.point(this.tiles.findIndex((tile) => tile.row === row && tile.merged === 0));
  }

  private largest(): number {
    const { found, measure } = this.state;
    return found.reduce((best, row) =>
      (this.tree.bytes(row, measure) > this.tree.bytes(best, measure) ? row : best));
  }

  private point(index: number): void {
    if (index === this.state.at) return;
    this.state.at = index;
    this.drawOverlay();
  }

  private setMeasure(measure: Measure): void {
    const { state, tree } = this;
    const top = tree.top(measure);
    state.measure = measure;
    if (!tree.path(state.top).includes(top)) state.top = top;
    this.update();
  }

  private find(text: string): void {
    const { state, tree } = this;
    state.search = text.trim();
    state.found = tree.find(text);
    state.lit = state.search === '' ? undefined : tree.lit(state.found);
    this.draw();
    this.words();
  }

  private readHash(): void {
    const row = /^#(\d+)$/.exec(location.hash)?.[1];
    const top = row === undefined ? this.tree.top('private') : Number(row);
    if (top < this.tree.count && this.tree.hasChildren(top)) this.state.top = top;
  }

  private changeTheme(): void {
    const { dataset } = document.documentElement;
    const dark = dataset['theme'] === undefined
      ? matchMedia('(prefers-color-scheme: dark)').matches : dataset['theme'] === 'dark';
    dataset['theme'] = dark ? 'light' : 'dark';
    this.newTheme();
  }

  private newTheme(): void {
    this.theme = readTheme();
    this.draw();
  }

  /** What a tile is, in words: for the tooltip and for screen readers. */
  private describe(tile: Tile): { title: string; lines: string[] } {
    const { tree, state } = this;
    const whole = tree.bytes(state.top, state.measure);
    const share = `${shareText(tile.value, whole)} of ${tree.name(state.top)}`;
    const size = `${sizeText(tile.value)} ${MEASURE_WORDS[state.measure]}`;
    if (tile.merged > 0) {
      const title = `${tile.merged.toLocaleString('en')} smaller ones in ${tree.name(tile.row)}`;
      return { title, lines: [`${size}, ${share}`] };
    }
    const path = tree.path(tile.row).slice(1, -1).map((row) => tree.name(row)).join(' \u203a ');
    const others = (['pss', 'private', 'committed', 'virtual'] as const)
      .filter((measure) => measure !== state.measure && tree.bytes(tile.row, measure) > 0)
      .map((measure) => `${MEASURE_WORDS[measure]} ${sizeText(tree.bytes(tile.row, measure))}`);
    return {
      title: tree.name(tile.row),
      lines: [
        tree.what(tile.row), `${size} (${bytesText(tile.value)})`, share,
        others.join(' \u00b7 '), path,
      ].filter((line) => line !== ''),
    };
  }

  private tooltip(x: number, y: number): void {
    const tip = byId('tip');
    const tile = this.tiles[this.state.at];
    tip.hidden = tile === undefined;
    if (tile === undefined) return;
    const { title, lines } = this.describe(tile);
    tip.replaceChildren(element('strong', '', title),
      ...lines.map((line) => element('span', '', line)));
    const { offsetWidth: width, offsetHeight: height } = tip;
    tip.style.left = `${Math.max(0, Math.min(x + 14, this.width - width - 4))}px`;
    tip.style.top = `${y + 18 + height > this.height ? Math.max(0, y - height - 10) : y + 18}px`;
  }

  private key(event: KeyboardEvent): void {
    const { state, tree } = this;
    if (event.key === 'Escape' || event.key === 'Backspace') {
      const above = tree.parent(state.top);
      if (above >= 0 && state.top !== tree.top(state.measure)) this.zoom(above);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.enter(state.at);
    } else if (event.key === 'Home') {
      this.zoom(tree.top(state.measure));
    } else if (event.key.startsWith('Arrow')) {
      this.move(event.key.slice(5));
    } else {
      return;
    }
    event.preventDefault();
  }

  /** To the nearest tile that way; from nowhere to the largest. */
  private move(way: string): void {
    const { tiles, state } = this;
    const from = tiles[state.at];
    const leaves = tiles.flatMap((tile, i) => (tile.isContainer ? [] : [i]));
    let best = -1;
    let nearest = Infinity;
    for (const i of leaves) {
      const tile = tiles[i]!;
      const distance = from === undefined
        ? -(tile.x1 - tile.x0) * (tile.y1 - tile.y0) : distanceTo(from, tile, way);
      if (distance < nearest) [best, nearest] = [i, distance];
    }
    if (best < 0) return;
    this.point(best);
    const { title, lines } = this.describe(tiles[best]!);
    byId('said').textContent = [title, ...lines].join(', ');
  }
}

/** How far a tile is in a direction, sideways counting double; infinite if it is not that way. */
function distanceTo(from: Tile, to: Tile, way: string): number {
  const dx = (to.x0 + to.x1 - from.x0 - from.x1) / 2;
  const dy = (to.y0 + to.y1 - from.y0 - from.y1) / 2;
  const ahead = { Left: -dx, Right: dx, Up: -dy, Down: dy }[way] ?? 0;
  const aside = way === 'Left' || way === 'Right' ? Math.abs(dy) : Math.abs(dx);
  return ahead > 0.5 ? ahead + 2 * aside : Infinity;
}

const beganMs = performance.now();
const app = new App(JSON.parse(byId('data').textContent ?? '') as PageData);
app.firstPaintMs = performance.now() - beganMs;
Object.assign(globalThis, { memsimTreemap: app });
