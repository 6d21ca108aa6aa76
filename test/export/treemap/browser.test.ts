/** The treemap page in a browser: what is drawn, what a click, a key and a search do. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { AccountTables } from '../../../src/accounting/tables.js';
import { treemapPage } from '../../../src/export/treemap/page.js';
import { System } from '../../../src/system.js';
import { skipWithoutChromium, startChromium } from '../../support/chromium.js';
import { HOSTILE, manyProcesses } from './many.js';

interface Tile {
  readonly row: number;
  readonly name: string;
  readonly koid: number;
  readonly kind: string;
  readonly merged: number;
  readonly isContainer: boolean;
  readonly bytes: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Opened {
  readonly page: Page;
  readonly requests: string[];
  readonly faults: string[];
}

const NGINX = 'test/fixtures/nginx-6w.snap.jsonl.gz';
const WIDTH = 1280;
const HEIGHT = 760;

let browser: Browser;
const dir = mkdtempSync(join(tmpdir(), 'memsim-treemap-'));
let files = 0;

t.before(async () => {
  if (skipWithoutChromium === false) browser = await startChromium();
});
t.teardown(async () => {
  rmSync(dir, { recursive: true });
  if (skipWithoutChromium === false) await browser.close();
});

/** Opens the page of tables; what it asks for and what goes wrong in it is kept. */
const open = async (t: Test, tables: AccountTables): Promise<Opened> => {
  const file = join(dir, `${files++}.html`);
  writeFileSync(file, treemapPage(tables, { system: HOSTILE }));
  const page = await browser.newPage({
    viewport: { width: WIDTH, height: HEIGHT }, reducedMotion: 'reduce',
  });
  t.teardown(() => page.close());
  const opened: Opened = { page, requests: [], faults: [] };
  page.on('request', (request) => opened.requests.push(request.url()));
  page.on('dialog', (dialog) => {
    opened.faults.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => opened.faults.push(error.message));
  page.on('console', (message) => opened.faults.push(message.text()));
  await page.goto(pathToFileURL(file).href);
  t.strictSame(opened.requests, [pathToFileURL(file).href], 'it asks for nothing but itself');
  return opened;
};

const tilesOf = (page: Page): Promise<Tile[]> =>
  page.evaluate('memsimTreemap.shown()') as Promise<Tile[]>;

/** Text of the way here, without sizes. */
const wayOf = async (page: Page): Promise<string> =>
  (await page.locator('#way .here').innerText()).replace(/ \S+ (PSS|private|committed)$/, '');

const clickTile = async (page: Page, tile: Tile): Promise<void> => {
  const box = await page.locator('#map').boundingBox();
  await page.mouse.click((box?.x ?? 0) + tile.x + tile.width / 2,
    (box?.y ?? 0) + tile.y + tile.height / 2);
};

const inBrowser = { skip: skipWithoutChromium };

t.test('areas are those of the figures, in every measure', inBrowser, async (t) => {
  const system = await System.open(NGINX);
  const tables = await system.account();
  const { page, faults } = await open(t, tables);
  for (const measure of ['pss', 'private', 'committed', 'virtual']) {
    await page.locator(`input[value=${measure}]`).check({ force: true });
    const tiles = await tilesOf(page);
    const box = await page.locator('#map').boundingBox();
    const area = (box?.width ?? 0) * (box?.height ?? 0);
    t.ok(tiles.length > 50, `${measure}: ${tiles.length} tiles`);
    const leaves = tiles.filter(({ isContainer }) => !isContainer);
    const whole = leaves.reduce((sum, { bytes }) => sum + bytes, 0);
    const wrong = tiles.filter(({ width, height, bytes }) =>
      Math.abs((width * height) / area / (bytes / whole) - 1) > 0.01);
    t.strictSame(wrong, [], `${measure}: within one percent`);
  }
  await page.locator('input[value=pss]').check({ force: true });
  const { tasks } = tables;
  const processes = (await tilesOf(page)).filter(({ kind }) => kind === 'process');
  t.equal(processes.length, 10);
  for (const { koid, bytes } of processes) {
    const row = tasks.koid.indexOf(koid);
    t.ok(Math.abs(bytes - Number(tasks.pss.bytes[row])) <= 1, `process ${koid} has its PSS`);
  }
  t.strictSame(faults, []);
});

t.test('a click opens, a key opens and goes back, the way leads out', inBrowser, async (t) => {
  const { page, faults } = await open(t, await (await System.open('boot')).account());
  t.equal(await wayOf(page), 'root');
  const heap = (await tilesOf(page)).filter(({ name }) => name === 'jemalloc-heap')
    .sort((a, b) => b.bytes - a.bytes)[0];
  await clickTile(page, heap!);
  t.equal(await wayOf(page), 'driver_host:pci#3:8086:2922', 'the process around it');
  t.match(await page.locator('#caption').innerText(), 'In driver_host:pci#3');
  await page.locator('#map').focus();
  await page.keyboard.press('Escape');
  t.equal(await wayOf(page), 'zircon-drivers');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  t.match(await page.locator('#said').innerText(), /PSS .*% of zircon-drivers/);
  await page.keyboard.press('Enter');
  t.match(await wayOf(page), /^driver_host|acpisvc/);
  await page.goBack();
  t.equal(await wayOf(page), 'zircon-drivers', 'the browser\'s own way back');
  await page.locator('#way button', { hasText: 'all physical memory' }).click();
  const kernel = (await tilesOf(page)).filter(({ kind }) => kind === 'kernel');
  t.ok(kernel.length >= 4, 'the kernel\'s level');
  await page.locator('#table button', { hasText: 'VMOs and processes' }).click();
  t.equal(await wayOf(page), 'VMOs and processes', 'a row of the table opens too');
  t.strictSame(faults, []);
});

t.test('the table sorts, and its shares are of what is open', inBrowser, async (t) => {
  const { page } = await open(t, await (await System.open('boot')).account());
  const names = (): Promise<string[]> => page.locator('#table .label').allInnerTexts();
  t.strictSame(await names(), ['zircon-drivers', 'zircon-services', 'bin/devmgr']);
  const share = await page.locator('#table tbody tr[data-row] td').nth(2).innerText();
  t.equal(share, '91.5 %');
  await page.locator('th[data-sort=name] button').click();
  t.strictSame(await names(), ['bin/devmgr', 'zircon-drivers', 'zircon-services']);
  t.equal(await page.locator('th[data-sort=name]').getAttribute('aria-sort'), 'ascending');
  await page.locator('th[data-sort=name] button').click();
  t.equal((await names())[0], 'zircon-services');
});

t.test('ten thousand processes are usable, hostile names are text', inBrowser, async (t) => {
  const { page, faults, requests } = await open(t, await manyProcesses(10_000));
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    times.push(await page.evaluate('memsimTreemap.firstPaintMs') as number);
    await page.reload();
  }
  t.ok(Math.min(...times) < 300, `first picture after ${Math.min(...times).toFixed(0)} ms`);
  const tiles = await tilesOf(page);
  t.ok(tiles.length > 1000 && tiles.length < 40_000, `${tiles.length} tiles`);
  t.ok(await page.locator('#table tbody tr').count() < 200, 'only rows in sight');
  await page.keyboard.press('/');
  const began = Date.now();
  await page.keyboard.type('<img');
  t.equal(await page.locator('#table .label').innerText(), HOSTILE);
  t.ok(Date.now() - began < 2000, `found after ${Date.now() - began} ms`);
  t.match(await page.locator('#caption').innerText(), '1 found');
  await page.keyboard.press('Enter');
  t.equal(await wayOf(page), HOSTILE);
  t.equal(await page.locator('img').count(), 0);
  await page.locator('#search').fill('6001');
  t.strictSame(await page.locator('#table .what').allInnerTexts(),
    ['process 6001 in job 10', 'process 7001 in job 12'], 'a koid finds, and a part of a name');
  t.match(await page.locator('h1 + .facts').innerText(), HOSTILE, 'the system\'s name as well');
  t.strictSame(faults, []);
  t.notOk(requests.some((url) => !url.startsWith('file:')));
});

t.test('light and dark are the system\'s, or what is asked for', inBrowser, async (t) => {
  const { page } = await open(t, await (await System.open('boot')).account());
  const ground = (): Promise<unknown> =>
    page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await ground();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await ground();
  t.not(light, dark);
  await page.locator('#theme').click();
  t.equal(await ground(), light);
  await page.locator('#theme').click();
  t.equal(await ground(), dark);
});
