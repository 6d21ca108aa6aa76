/**
 * A Chromium for tests that look at a page: the machine's own, driven by playwright-core. Where
 * there is none, those tests skip and say so.
 */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium',
];

const executable = [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => existsSync(path));

/** For tap's `skip` option: false, or why the test is left out. */
export const skipWithoutChromium: string | false =
  executable === undefined ? 'no Chromium on this machine' : false;

/** Starts it, headless; it asks no network for anything of its own. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}
