/**
 * Bytes that wait to be read, first in, first out: a stream, or pieces that keep their ends.
 */

import { copyOf } from './units.js';

/** A queue of bytes. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  #first = 0;
  #skip = 0;
  #bytes = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the oldest piece, 0 for none. */
  get firstPieceBytes(): number {
    return (this.#pieces[this.#first]?.length ?? this.#skip) - this.#skip;
  }

  /** Appends a piece, copied. */
  push(data: Uint8Array): void {
    if (data.length === 0) return;
    this.#pieces.push(copyOf(data));
    this.#bytes += data.length;
  }

  /** Takes up to `length` bytes, across pieces. */
  pull(length: number): Uint8Array {
    const out = new Uint8Array(Math.min(length, this.#bytes));
    for (let at = 0; at < out.length; ) {
      const piece = this.#pieces[this.#first] as Uint8Array;
      const part = piece.subarray(this.#skip, this.#skip + out.length - at);
      out.set(part, at);
      at += part.length;
      this.#skip += part.length;
      if (this.#skip === piece.length) this.#next();
    }
    this.#bytes -= out.length;
    return out;
  }

  /** Takes up to `length` bytes of the oldest piece; what is behind them in it is lost. */
  pullPiece(length: number): Uint8Array {
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return new Uint8Array(0);
    this.#bytes -= piece.length;
    this.#next();
    return piece.slice(0, length);
  }

  /** Forgets everything. */
  clear(): void {
    this.#pieces = [];
    this.#first = this.#skip = this.#bytes = 0;
  }

  #next(): void {
    this.#first += 1;
    this.#skip = 0;
    if (this.#first * 2 <= this.#pieces.length) return;
    this.#pieces = this.#pieces.slice(this.#first);
    this.#first = 0;
  }
}
