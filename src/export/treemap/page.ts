/**
 * The treemap page: one HTML file that needs nothing else.
 *
 * I1. Nothing is fetched: style, script (d3-hierarchy's and ours) and data stand in the page, and
 *     its content security policy allows nothing else, by hash.
 * I2. Untrusted text (names, the system's) is escaped where it is HTML, and in the data no `<`
 *     stands, so that no name ends the element it is in.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type AccountTables, TaskType } from '../../accounting/tables.js';
import { treeOf } from './tree.js';

/** What the page says about the system. */
export interface TreemapOptions {
  /** What was looked at: `boot`, a file's name. Untrusted. */ readonly system: string;
  /** When, ISO 8601; left out where the tables do not know. */ readonly timestamp?: string;
}

/** Modules of the page's script, each after those it uses. */
const MODULES = ['model', 'format', 'layout', 'paint', 'table', 'app'];

const CLIENT = new URL('../../../build/export/treemap/', import.meta.url);

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** JSON that may stand in a script element. */
function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}

/** The modules as one script: a module's imports are what stands before it. */
function clientScript(): string {
  const parts = MODULES.map((name) => readFileSync(new URL(`client/${name}.js`, CLIENT), 'utf8')
    .replace(/^import\s[^;]*;\n/gm, '')
    .replace(/^export \{\};\n/gm, '')
    .replace(/^export (?=(?:async |abstract )?(?:function|class|const|let) )/gm, ''));
  return `(() => {\n'use strict';\n${parts.join('\n')}})();\n`;
}

/** d3-hierarchy as its package ships it for pages. */
function layoutScript(): string {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('d3-hierarchy');
  return readFileSync(new URL('d3-hierarchy.min.js', pathToFileURL(entry)), 'utf8');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const LEGEND: readonly [kind: string, words: string][] = [
  ['private', 'private'], ['shared', 'shared'], ['process', 'process, too small to open'],
  ['unmapped', 'VMO that no process maps'], ['kernel', 'kernel'], ['free', 'free'],
  ['unknown', 'unknown, or too small'],
];

const MEASURE_LABELS = [
  ['pss', 'PSS', 'Each page shared out among the processes that have it'],
  ['private', 'Private', 'Pages that no other process has'],
  ['committed', 'Committed', 'Pages, counted once for each process that has them'],
  ['virtual', 'Virtual', 'Address space, backed by pages or not'],
] as const;

function bodyHtml(title: string, facts: readonly string[], empty: readonly string[]): string {
  const measures = MEASURE_LABELS.map(([value, label, why]) => {
    const state = (value === 'pss' ? ' checked' : '') + (empty.includes(value) ? ' disabled' : '');
    return `<label title="${why}"><input type="radio" name="measure" value="${value}"${state}>`
      + `<span>${label}</span></label>`;
  }).join('');
  const legend = LEGEND.map(([kind, words]) =>
    `<li><span class="swatch ${kind}"></span>${words}</li>`).join('');
  return `<header>
<h1>${escapeHtml(title)}</h1>
<p class="facts">${facts.map(escapeHtml).join(' · ')}</p>
<div class="tools">
<fieldset class="measures"><legend class="away">Area stands for</legend>${measures}</fieldset>
<input type="search" id="search" placeholder="Search ( / )"
 aria-label="Search names and koids" autocomplete="off" spellcheck="false">
<button type="button" id="theme">Light / dark</button>
</div>
</header>
<nav aria-label="Where this is"><ol id="way"></ol></nav>
<main>
<section class="left" aria-label="Picture">
<div id="map" tabindex="0" role="application" aria-roledescription="treemap"
 aria-label="Treemap: arrows move, Enter opens, Escape goes back" aria-describedby="said">
<canvas id="picture"></canvas><canvas id="overlay"></canvas>
<p id="empty" hidden>Nothing here in this measure</p>
<div id="tip" hidden></div>
</div>
<ul class="legend" aria-label="Colours">${legend}</ul>
</section>
<section class="right" aria-label="Table">
<h2 id="caption"></h2>
<div id="rows" tabindex="0" role="group" aria-labelledby="caption">
<table id="table" aria-labelledby="caption">
<colgroup><col class="name"><col class="size"><col class="share">
<col class="share"></colgroup>
<thead><tr>
<th data-sort="name" scope="col"><button type="button">Name</button></th>
<th data-sort="size" scope="col"><button type="button">Size</button></th>
<th scope="col">Share</th><th scope="col">Of all</th>
</tr></thead>
<tbody></tbody>
</table>
</div>
</section>
</main>
<p id="said" class="away" aria-live="polite"></p>
<noscript>This page draws its picture with a script that stands in it.</noscript>`;
}

/**
 * The page for a system.
 *
 * @param tables - one accounting pass, or a document's tables
 * @param options - what to say about it
 * @returns an HTML document
 */
export function treemapPage(tables: AccountTables, options: TreemapOptions): string {
  const tree = treeOf(tables);
  const processes = tables.tasks.type.filter((type) => type === TaskType.PROCESS).length;
  const facts = [
    options.system, `${processes.toLocaleString('en')} processes`, `policy ${tables.policy}`,
    ...(options.timestamp === undefined ? [] : [options.timestamp]),
  ];
  const title = 'Memory usage';
  const empty = (['pss', 'private', 'committed', 'virtual'] as const)
    .filter((measure) => (tree[measure][0] ?? 0) === 0);
  const style = readFileSync(new URL('page.css', CLIENT), 'utf8');
  const scripts = [layoutScript(), clientScript()];
  const csp = [
    "default-src 'none'", "base-uri 'none'", "form-action 'none'", `style-src ${hashOf(style)}`,
    `script-src ${scripts.map(hashOf).join(' ')}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${csp}">
<title>${escapeHtml(`${title}: ${options.system}`)}</title>
<style>${style}</style>
</head>
<body>
${bodyHtml(title, facts, empty)}
<script type="application/json" id="data">${safeJson({ title, facts, tree })}</script>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`;
}
