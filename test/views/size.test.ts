/** Sizes: every example of tool-formats 1.6 and 1.7. */

import t from 'tap';
import { type SizeAlgorithm, formatSize } from '../../src/views/size.js';

/** bytes, A, B, fixed M under A, fixed M under B. */
const TABLE = `
0 0B 0B 0M 0M
1 1B 1B 0.0M 0.0M
1000 1000B 1000B 0.0M 0.0M
1023 1023B 1023B 0.0M 0.0M
1024 1k 1k 0.0M 0.0M
1025 1025B 1025B 0.0M 0.0M
1536 1536B 1536B 0.0M 0.0M
2047 2047B 2047B 0.0M 0.0M
4096 4k 4k 0.0M 0.0M
4097 4097B 4097B 0.0M 0.0M
9216 9k 9k 0.0M 0.0M
9217 9217B 9217B 0.0M 0.0M
9999 9999B 9999B 0.0M 0.0M
10000 9.8k 9.8k 0.0M 0.0M
10240 10k 10k 0.0M 0.0M
10241 10.0k 10.0k 0.0M 0.0M
10700 10.5k 10.4k 0.0M 0.0M
10701 10.5k 10.5k 0.0M 0.0M
28672 28k 28k 0.0M 0.0M
34406 33.6k 33.6k 0.0M 0.0M
65535 64.0k 64.0k 0.1M 0.1M
100000 97.7k 97.7k 0.1M 0.1M
256000 250k 250k 0.3M 0.2M
524288 512k 512k 0.5M 0.5M
1048575 1024.0k 1024.0k 1.0M 1.0M
1048576 1M 1M 1M 1M
1049600 1025k 1025k 1.0M 1.0M
1419571 1386.3k 1386.3k 1.4M 1.4M
1419605 1386.3k 1386.3k 1.4M 1.4M
10238976 9999k 9999k 9.8M 9.8M
10239999 10000.0k 10000.0k 9.8M 9.8M
10240000 9.8M 9.8M 9.8M 9.8M
10485760 10M 10M 10M 10M
10485761 10.0M 10.0M 10.0M 10.0M
69887590 66.7M 66.6M 66.7M 66.6M
69887591 66.7M 66.7M 66.7M 66.7M
333238272 317.8M 317.8M 317.8M 317.8M
1073741823 1024.0M 1024.0M 1024.0M 1024.0M
1073741824 1G 1G 1024M 1024M
2147483648 2G 2G 2048M 2048M
140737471574016 128.0T 128.0T 134217712.0M 134217712.0M
18446744073709551615 16.0E 16.0E 17592186044416.0M 17592186044416.0M
`;

/** The values upstream's unit test pins for algorithm B. */
const PINNED_B = `
0->0B, 1->1B, 1023->1023B, 1024->1k, 1025->1025B, 9216->9k, 9217->9217B, 10240->10k,
1047552->1023k, 1048576->1M, 1049600->1025k, 9437184->9M, 9438208->9217k, 10485760->10M,
1073741824->1G, 1099511627776->1T, 1125899906842624->1P, 1152921504606846976->1E,
1048575->1024.0k, 1398101->1365.3k, 1073741823->1024.0M, 1099511627775->1024.0G,
1125899906842623->1024.0T, 1152921504606846975->1024.0P, 18446744073709551615->16.0E,
9999->9999B, 10000->9.8k, 10238976->9999k, 10238977->9999.0k, 10240000->9.8M, 10700->10.4k,
10701->10.5k, 69887590->66.6M, 69887591->66.7M, 18389097998479209267->15.9E,
18389097998479209268->16.0E, 18446744073709551615,B->18446744073709551615B,
18446744073709551615,k->18014398509481984.0k, 18446744073709551615,M->17592186044416.0M,
18446744073709551615,G->17179869184.0G, 18446744073709551615,T->16777216.0T,
18446744073709551615,P->16384.0P, 18446744073709551615,E->16.0E, 1073741824,k->1048576k,
104857,M->0.1M, 1073741824,q->?1G, 1024,q->?1k, 1073741825,#->?1.0G, 1025,#->?1025B`;

const pinned = [...PINNED_B.matchAll(/(\d+)(?:,(\S))?->(\S+?)(?:,\s|$)/g)]
  .map(([, bytes = '', unit = '', text = '']) => ({ bytes: BigInt(bytes), unit, text }));

t.test('algorithms A and B print what the table of examples says', async (t) => {
  const rows = TABLE.trim().split('\n').map((line) => line.split(' '));
  t.equal(rows.length, 42);
  for (const [bytes = '', a, b, fixedA, fixedB] of rows) {
    const size = BigInt(bytes);
    const texts = [formatSize(size, '', 'A'), formatSize(size, '', 'B'),
      formatSize(size, 'M', 'A'), formatSize(size, 'M', 'B')];
    t.strictSame(texts, [a, b, fixedA, fixedB], `${bytes} bytes`);
  }
});

t.test('algorithm B gives all 49 values that upstream pins, A all but three', async (t) => {
  t.equal(pinned.length, 49);
  for (const { bytes, unit, text } of pinned) {
    t.equal(formatSize(bytes, unit, 'B'), text, `${bytes} ${unit}`);
  }
  const missed = pinned.filter(({ bytes, unit, text }) => formatSize(bytes, unit, 'A') !== text);
  t.strictSame(missed.map(({ bytes }) => bytes), [10700n, 69887590n, 18389097998479209267n]);
});

t.test('the algorithms differ for exactly the 124 remainders that lean upwards', async (t) => {
  let differing = 0;
  for (let remainder = 1; remainder < 1024; remainder++) {
    const bytes = 10 * 1024 + remainder;
    if (formatSize(bytes, 'k', 'A') !== formatSize(bytes, 'k', 'B')) differing++;
  }
  t.equal(differing, 124);
});

t.test('an unknown unit prints a question mark and the natural form', async (t) => {
  for (const algorithm of ['A', 'B'] satisfies SizeAlgorithm[]) {
    t.equal(formatSize(1073741824, 'q', algorithm), '?1G');
    t.equal(formatSize(1024, 'q', algorithm), '?1k');
    t.equal(formatSize(1073741825, '#', algorithm), '?1.0G');
    t.equal(formatSize(1025, '#', algorithm), '?1025B');
    t.equal(formatSize(1073741824, 'k', algorithm), '1048576k');
    for (const letter of 'KmgbtpeX?') t.equal(formatSize(1024, letter, algorithm), '?1k', letter);
  }
  t.equal(formatSize(1048576, 'kibibytes'), '1024k', 'only the first character of a unit counts');
});

t.test('what is no size of 64 bits is refused', async (t) => {
  t.throws(() => formatSize(-1), RangeError);
  t.throws(() => formatSize(1n << 64n), RangeError);
  t.throws(() => formatSize(0.5), RangeError);
});
