/**
 * Makes the pictures of the treemap page in docs/, with the machine's Chromium:
 * `node scripts/treemap-pictures.mjs [CHROMIUM]` after `npm run build`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "memsim-pictures-"));
const file = join(folder, "mem.html");
const snapshot = "test/fixtures/nginx-6w.snap.jsonl.gz";
execFileSync(process.execPath, [
  join(root, "build/cli/main.js"), "treemap", "-s", snapshot, "-o", file,
], { cwd: root });
const browser = await chromium.launch({
  executablePath: process.argv[2] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  const page = await browser.newPage({ viewport: { width: 1080, height: 590 }, colorScheme });
  await page.goto(pathToFileURL(file).href);
  await page.locator("#table button", { hasText: "nginx" }).click();
  await page.waitForTimeout(500);
  if (colorScheme === "dark") {
    await page.locator("#table button", { hasText: "process 9971" }).click();
    await page.waitForTimeout(500);
    await page.mouse.move(300, 400);
  } else {
    await page.mouse.move(0, 0);
  }
  await page.screenshot({ path: join(root, `docs/treemap-${colorScheme}.png`) });
}
await browser.close();
rmSync(folder, { recursive: true });
