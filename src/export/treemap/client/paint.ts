/**
 * Draws the tiles on a canvas: colours by kind, lines between levels, labels where there is room.
 *
 * Runs in the browser. I1. Drawing changes no tile; a picture is drawn in one go, from outer to
 * inner tiles, lines and labels last.
 */

import { sizeText } from './format.js';
import type { Tile } from './layout.js';
import type { Kind, Tree } from './model.js';

/** Colours of the page's theme. */
export interface Theme {
  /** Of each kind of leaf. */ readonly fill: Readonly<Record<Kind, string>>;
  /** Text on leaves. */ readonly ink: string;
  /** Text on free memory. */ readonly inkFree: string;
  /** Between tiles. */ readonly gap: string;
  /** Behind labels of containers. */ readonly plate: string;
  /** Text on them. */ readonly text: string;
  /** Sizes on them. */ readonly muted: string;
  /** Around what is pointed at. */ readonly focus: string;
}

/** The theme as the style sheet has it. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const fill = {
    kernel: value('--fill-kernel'), free: value('--fill-free'), job: value('--fill-process'),
    process: value('--fill-process'), group: value('--fill-unknown'),
    private: value('--fill-private'), shared: value('--fill-shared'),
    unmapped: value('--fill-unmapped'), unknown: value('--fill-unknown'),
  };
  return {
    fill, ink: value('--ink'), inkFree: value('--ink-free'), gap: value('--gap'),
    plate: value('--plate'), text: value('--text'), muted: value('--muted'),
    focus: value('--focus'),
  };
}

interface Plate {
  readonly x1: number;
  readonly y1: number;
}

const FONT = 'system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const PLATE_HEIGHT = 20;
const LINE_HEIGHT = 15;

/** The kind that a leaf is coloured by: a group by what is in it. */
export function fillKind(tree: Tree, tile: Tile): Kind {
  if (tile.merged > 0) return 'unknown';
  const kind = tree.kind(tile.row);
  if (kind !== 'group') return kind;
  const first = tree.children(tile.row)[0];
  return first === undefined ? kind : tree.kind(first);
}

/**
 * Text cut to a width, with an ellipsis; empty where not even three letters fit. Of a path the last
 * part says the most.
 */
function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  const whole = context.measureText(text).width;
  if (whole <= width) return text;
  const file = text.slice(text.lastIndexOf('/') + 1);
  if (file !== '' && file !== text) return cut(context, file, width);
  const letters = [...text];
  letters.length = Math.floor((letters.length * width) / whole);
  while (letters.length >= 3) {
    const shorter = `${letters.join('')}\u2026`;
    if (context.measureText(shorter).width <= width) return shorter;
    letters.pop();
  }
  return '';
}

/** One picture. */
export class Painter {
  private readonly plates: (Plate | undefined)[] = [];

  /**
   * @param context - where to draw, in CSS pixels
   * @param tree - the tree
   * @param tiles - its tiles
   * @param theme - colours
   * @param lit - rows that are not dimmed; undefined: all
   */
  constructor(
    private readonly context: CanvasRenderingContext2D, private readonly tree: Tree,
    private readonly tiles: readonly Tile[], private readonly theme: Theme,
    private readonly lit: Uint8Array | undefined,
  ) {}

  /** Draws everything. */
  paint(width: number, height: number): void {
    const { context, theme } = this;
    context.fillStyle = theme.gap;
    context.fillRect(0, 0, width, height);
    for (const tile of this.tiles) if (!tile.isContainer) this.leaf(tile);
    context.globalAlpha = 1;
    this.lines();
    this.tiles.forEach((tile, i) => {
      if (tile.isContainer) this.containerLabel(tile, i);
    });
    for (const tile of this.tiles) if (!tile.isContainer) this.leafLabel(tile);
    context.globalAlpha = 1;
  }

  private dim(tile: Tile): boolean {
    return this.lit !== undefined && this.lit[tile.row] === 0;
  }

  private leaf(tile: Tile): void {
    const { context, theme } = this;
    const width = tile.x1 - tile.x0;
    const height = tile.y1 - tile.y0;
    const inset = width > 4 && height > 4 ? 0.5 : 0.2;
    context.globalAlpha = this.dim(tile) ? 0.16 : 1;
    const kind = fillKind(this.tree, tile);
    context.fillStyle = theme.fill[kind];
    context.fillRect(tile.x0 + inset, tile.y0 + inset, width - 2 * inset, height - 2 * inset);
    if (kind === 'free') return;
    // Neighbours of one kind differ a little, so that they read as two.
    const shade = (Math.imul(tile.row + 1, 2654435761) >>> 28) / 16;
    context.fillStyle = `rgba(0, 0, 0, ${(shade * 0.08).toFixed(3)})`;
    context.fillRect(tile.x0 + inset, tile.y0 + inset, width - 2 * inset, height - 2 * inset);
  }

  /** Wider lines around outer containers; inner ones first. */
  private lines(): void {
    const { context, theme, tiles } = this;
    context.strokeStyle = theme.gap;
    for (let i = tiles.length - 1; i >= 0; i--) {
      const tile = tiles[i]!;
      if (!tile.isContainer) continue;
      context.lineWidth = tile.depth === 0 ? 4 : tile.depth === 1 ? 2.5 : 1.5;
      context.strokeRect(tile.x0, tile.y0, tile.x1 - tile.x0, tile.y1 - tile.y0);
    }
  }

  /** Where a label may begin: below the labels of the containers around it that it would meet. */
  private labelTop(tile: Tile): number {
    let top = tile.y0;
    for (let at = tile.above; at >= 0; at = this.tiles[at]!.above) {
      const plate = this.plates[at];
      if (plate !== undefined && plate.x1 > tile.x0 && plate.y1 > top) top = plate.y1;
    }
    return top;
  }

  private containerLabel(tile: Tile, index: number): void {
    const { context, theme, tree } = this;
    const top = this.labelTop(tile);
    const room = tile.x1 - tile.x0 - 12;
    if (room < 48 || tile.y1 - top < PLATE_HEIGHT + 16) return;
    context.font = `600 12px ${FONT}`;
    const name = cut(context, tree.name(tile.row), room - 8);
    if (name === '') return;
    const nameWidth = context.measureText(name).width;
    context.font = `12px ${FONT}`;
    const size = ` ${sizeText(tile.value)}`;
    const sizeWidth = context.measureText(size).width;
    const withSize = nameWidth + sizeWidth + 8 <= room;
    const width = nameWidth + (withSize ? sizeWidth + 4 : 0) + 12;
    context.globalAlpha = this.dim(tile) ? 0.4 : 1;
    context.fillStyle = theme.plate;
    context.beginPath();
    context.roundRect(tile.x0 + 3, top + 3, width, PLATE_HEIGHT, 4);
    context.fill();
    const base = top + 3 + PLATE_HEIGHT - 6;
    context.fillStyle = theme.text;
    context.font = `600 12px ${FONT}`;
    context.fillText(name, tile.x0 + 9, base);
    if (withSize) {
      context.fillStyle = theme.muted;
      context.font = `12px ${FONT}`;
      context.fillText(size, tile.x0 + 11 + nameWidth, base);
    }
    this.plates[index] = { x1: tile.x0 + 3 + width, y1: top + 3 + PLATE_HEIGHT };
    context.globalAlpha = 1;
  }

  private leafLabel(tile: Tile): void {
    const { context, theme, tree } = this;
    const width = tile.x1 - tile.x0 - 12;
    if (width < 26 || tile.y1 - tile.y0 < 18) return;
    const top = this.labelTop(tile);
    const height = tile.y1 - top;
    if (height < 19) return;
    context.globalAlpha = this.dim(tile) ? 0.25 : 1;
    context.fillStyle = fillKind(tree, tile) === 'free' ? theme.inkFree : theme.ink;
    context.font = `12px ${FONT}`;
    const text = tile.merged > 0 ? `${tile.merged} smaller` : tree.name(tile.row);
    const name = cut(context, text, width);
    if (name !== '') context.fillText(name, tile.x0 + 6, top + LINE_HEIGHT);
    const size = sizeText(tile.value);
    if (height < 2 * LINE_HEIGHT + 4 || context.measureText(size).width > width) return;
    context.globalAlpha *= 0.82;
    context.fillText(size, tile.x0 + 6, top + 2 * LINE_HEIGHT);
  }
}

/** Draws what is pointed at: an outline around a tile, a thinner one around what it lies in. */
export function outline(
  context: CanvasRenderingContext2D, tiles: readonly Tile[], index: number, theme: Theme,
): void {
  const tile = tiles[index];
  if (tile === undefined) return;
  context.strokeStyle = theme.focus;
  const above = tiles[tile.above];
  if (above !== undefined) {
    context.lineWidth = 1.5;
    const [width, height] = [above.x1 - above.x0, above.y1 - above.y0];
    context.strokeRect(above.x0 + 1, above.y0 + 1, width - 2, height - 2);
  }
  context.lineWidth = 3;
  const width = Math.max(2, tile.x1 - tile.x0 - 3);
  const height = Math.max(2, tile.y1 - tile.y0 - 3);
  context.strokeRect(tile.x0 + 1.5, tile.y0 + 1.5, width, height);
}
