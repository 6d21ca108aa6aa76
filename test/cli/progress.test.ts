/** The progress bar: only for what takes longer than a second, gone at the end. */

import { PassThrough } from 'node:stream';
import t from 'tap';
import { ProgressBar } from '../../src/cli/progress.js';

/** A terminal that remembers. */
function terminal(): { stream: PassThrough; text: () => string } {
  const pieces: string[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  stream.on('data', (piece: Buffer) => pieces.push(piece.toString()));
  return { stream, text: () => pieces.join('') };
}

t.test('a quick load draws nothing', async (t) => {
  const { stream, text } = terminal();
  let nowMs = 0;
  const bar = new ProgressBar(stream, 'x.snap.jsonl', () => nowMs);
  for (; nowMs < 1000; nowMs += 100) bar.step(nowMs, 1000);
  bar.stop();
  t.equal(text(), '');
});

t.test('a slow load draws a bar and takes it away', async (t) => {
  const { stream, text } = terminal();
  let nowMs = 0;
  const bar = new ProgressBar(stream, 'x.snap.jsonl', () => nowMs);
  const interrupts = process.listenerCount('SIGINT');
  bar.step(0, 4 << 20);
  nowMs = 1500;
  bar.step(2 << 20, 4 << 20);
  bar.step(3 << 20, 4 << 20);
  t.equal(process.listenerCount('SIGINT'), interrupts, 'an interrupt still ends the load');
  bar.stop();
  bar.stop();
  t.match(text(), /x\.snap\.jsonl .* 2\/4 MiB/);
  t.notMatch(text(), /\x1b\[\?/, 'no mode of the terminal is changed');
  t.ok(text().endsWith('\x1b[1G\x1b[2K'), 'the line is cleared');
});

t.test('the size of a pipe is not known', async (t) => {
  const { stream, text } = terminal();
  let nowMs = 0;
  const bar = new ProgressBar(stream, '-', () => nowMs);
  nowMs = 1500;
  bar.step(2 << 20, 0);
  bar.stop();
  t.match(text(), /- .* 2\/\? MiB/);
});
