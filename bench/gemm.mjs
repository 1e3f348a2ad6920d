/**
 * Speed of contraction kernels in Chromium on one thread, in GFLOP/s, against the peak of the bare micro-kernel loop.
 *   node bench/gemm.mjs [--filter NAME] [--first N] [--rounds N] [--mul-add] [--top N] [--only rows=6,panels=1] [--panel N] [--json FILE] [--lanes 8] [--ending none|bias|relu|silu|gelu] [--flags=--js-flags=...]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build } from 'vite';
import { launchOptions } from '../scripts/chromium.mjs';

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' }, first: { type: 'string', default: '100' }, rounds: { type: 'string', default: '20' },
    'mul-add': { type: 'boolean', default: false }, top: { type: 'string', default: '3' }, only: { type: 'string' },
    flags: { type: 'string', multiple: true, default: [] }, ending: { type: 'string', default: 'none' },
    panel: { type: 'string', default: '8' }, json: { type: 'string' }, lanes: { type: 'string', default: '4' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const entry = fileURLToPath(new URL('gemm-page.ts', import.meta.url));
const made = await build({
  configFile: false, root, logLevel: 'error', build: { write: false, target: 'es2022', lib: { entry, formats: ['iife'], name: 'gemm' } },
});
const { code } = (Array.isArray(made) ? made[0] : made).output[0];
const only = values.only && Object.fromEntries(values.only.split(',').map((pair) => [pair.split('=')[0], Number(pair.split('=')[1])]));
const request = {
  filter: values.filter, first: Number(values.first), rounds: Number(values.rounds), fma: !values['mul-add'], panel: Number(values.panel), lanes: Number(values.lanes), ending: values.ending, ...(only ? { only } : {}),
};
const browser = await chromium.launch({ ...launchOptions(values.flags), headless: true });
try {
  const page = await browser.newPage();
  // An isolated page's clock ticks every 5 microseconds; others' every 100, a tenth of what is timed here.
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  await page.route('**', (route) => route.fulfill({ headers, contentType: 'text/html', body: '' }));
  await page.goto('http://localhost/');
  if (!(await page.evaluate(() => globalThis.crossOriginIsolated))) throw new Error('the page is not isolated: its clock is too coarse');
  await page.addScriptTag({ content: code });
  const rows = await page.evaluate((r) => globalThis.gemm.run(r), request);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ flags: values.flags, rows }, null, 1)}\n`);
  const peak = Math.max(...rows.filter((r) => r.name === 'peak').map((r) => r.gflops));
  for (const name of new Set(rows.map((r) => r.name))) {
    const mine = rows.filter((r) => r.name === name);
    const best = mine.map((r, i) => ({ ...r, rank: i })).sort((a, b) => b.gflops - a.gflops);
    console.log(`${name}: ${mine.length} candidates, first ${mine[0].gflops.toFixed(1)}, second ${mine[1]?.gflops.toFixed(1) ?? '-'}`);
    for (const r of best.slice(0, name === 'peak' ? best.length : Number(values.top))) {
      console.log(`  ${r.gflops.toFixed(1).padStart(6)}  ${((100 * r.gflops) / peak).toFixed(0).padStart(3)} %  #${r.rank}  ${r.schedule}`);
    }
  }
} finally {
  await browser.close();
}
