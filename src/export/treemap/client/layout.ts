/**
 * Where tiles go: squarified rectangles (d3-hierarchy) for what is zoomed to, level by level, as
 * far down as there is something to see.
 *
 * Runs in the browser.
 *
 * I1. A tile's area is to the picture's as its bytes are to those of what is zoomed to: there is no
 *     padding. Lines and labels are drawn over the tiles.
 * I2. Rows too small to see are one tile together, so the number of tiles is bounded by the pixels.
 */

import type * as d3Hierarchy from 'd3-hierarchy';
import type { Measure, Tree } from './model.js';

/** Stands before this script in the page. */
declare const d3: typeof d3Hierarchy;

/** One tile. */
export interface Tile {
  /** Row of the tree; of tiles too small to see, the row they stand below. */ readonly row: number;
  /** 0 for the tiles directly below what is zoomed to. */ readonly depth: number;
  /** How many rows too small to see it stands for; else 0. */ readonly merged: number;
  /** Index of the tile it lies in; -1 for none. */ readonly above: number;
  /** Whether tiles lie in it. */ isContainer: boolean;
  /** Its bytes. */ readonly value: number;
  /** Left. */ x0: number;
  /** Top. */ y0: number;
  /** Right. */ x1: number;
  /** Bottom. */ y1: number;
}

/** A tile smaller than this is merged with its like, in square pixels. */
const AREA_MIN = 10;
/** A tile narrower than this shows nothing of what is below it, in pixels. */
const SIDE_MIN = 18;
const DEPTH_MAX = 12;

/** Tiles of the rows below `row`, largest first; the smallest as one. */
function tilesBelow(
  tree: Tree, row: number, measure: Measure, above: number, depth: number, area: number,
): Tile[] {
  const whole = tree.bytes(row, measure);
  const tiles: Tile[] = [];
  let small = 0;
  let smallBytes = 0;
  for (const child of tree.children(row)) {
    const value = tree.bytes(child, measure);
    if (value === 0) continue;
    if ((value / whole) * area < AREA_MIN) {
      small++;
      smallBytes += value;
      continue;
    }
    tiles.push({
      row: child, depth, merged: 0, above, isContainer: false, value, x0: 0, y0: 0, x1: 0, y1: 0,
    });
  }
  tiles.sort((a, b) => b.value - a.value);
  if (small > 0) {
    tiles.push({
      row, depth, merged: small, above, isContainer: false, value: smallBytes,
      x0: 0, y0: 0, x1: 0, y1: 0,
    });
  }
  return tiles;
}

/**
 * The tiles of a picture: outer ones before those in them.
 *
 * @param tree - the tree
 * @param top - the row zoomed to
 * @param measure - what areas stand for
 * @param width - of the picture, pixels
 * @param height - of the picture, pixels
 */
export function layOut(
  tree: Tree, top: number, measure: Measure, width: number, height: number,
): Tile[] {
  const all: Tile[] = [];
  if (tree.bytes(top, measure) === 0 || width <= 0 || height <= 0) return all;
  const place = (row: number, above: number, depth: number, box: Omit<Box, 'value'>): void => {
    const area = (box.x1 - box.x0) * (box.y1 - box.y0);
    const tiles = tilesBelow(tree, row, measure, above, depth, area);
    const value = tree.bytes(row, measure);
    const parent = { value, children: tiles };
    // The tiling method only reads a value and the children's, and writes their corners.
    d3.treemapSquarify(parent as never, box.x0, box.y0, box.x1, box.y1);
    for (const tile of tiles) all.push(tile);
  };
  place(top, -1, 0, { x0: 0, y0: 0, x1: width, y1: height });
  for (let i = 0; i < all.length; i++) {
    const tile = all[i]!;
    const wide = tile.x1 - tile.x0 >= SIDE_MIN && tile.y1 - tile.y0 >= SIDE_MIN;
    if (tile.merged > 0 || !wide || tile.depth >= DEPTH_MAX) continue;
    if (!tree.hasChildren(tile.row)) continue;
    tile.isContainer = true;
    place(tile.row, i, tile.depth + 1, tile);
  }
  return all;
}

interface Box {
  readonly value: number;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** The innermost tile at a point; -1 for none. */
export function tileAt(tiles: readonly Tile[], x: number, y: number): number {
  for (let i = tiles.length - 1; i >= 0; i--) {
    const tile = tiles[i]!;
    const inside = x >= tile.x0 && x < tile.x1 && y >= tile.y0 && y < tile.y1;
    if (inside && !tile.isContainer) return i;
  }
  return -1;
}
