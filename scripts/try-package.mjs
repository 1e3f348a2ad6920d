/**
 * Tries the package as its users get it: `npm pack`, then for each example app named (react, next; both if none is) a copy in a temporary
 * folder, `npm install` of the packed file and of the app's own dependencies from the registry, type check and build, start, and a model run in
 * Chromium. `react` also runs the installed command line. Needs `npm run build` and the network; 1 minute for both. Leaves nothing behind.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { launchOptions } from './chromium.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const port = await freePort();

/** How each app is checked, built and served, and what a visitor must see. */
const apps = {
  react: { checks: [['tsc', '--noEmit', '--skipLibCheck', 'false'], ['vite', 'build']], serve: ['vite', 'preview', '--port', port, '--strictPort'], visit: drawAOne },
  next: { checks: [['next', 'build']], serve: ['next', 'start', '--port', port], visit: seeAOne },
};

/** Draws an upright stroke with the mouse. */
async function drawAOne(page) {
  await page.getByText(/^ready on/).waitFor();
  const { x, y, width, height } = await page.locator('canvas').boundingBox();
  await page.mouse.move(x + width / 2, y + height * 0.15);
  await page.mouse.down();
  await page.mouse.move(x + width / 2, y + height * 0.85, { steps: 10 });
  await page.mouse.up();
  await seeAOne(page);
}

async function seeAOne(page) {
  await page.locator('output', { hasText: /^1$/ }).waitFor();
}

function run(folder, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' } });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address();
  server.close();
  return String(free);
}

async function tryApp(name, tarball, folder) {
  const { checks, serve, visit } = apps[name];
  cpSync(join(root, 'examples', name), folder, { recursive: true, dereference: true, filter: (path) => !path.includes('node_modules') });
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  manifest.dependencies.quern = `file:${tarball}`;
  // The command line drives a browser by the optional peer.
  if (name === 'react') manifest.devDependencies.playwright = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.playwright;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  run(folder, 'npm', 'install', '--no-fund', '--no-audit', '--ignore-scripts');
  for (const check of checks) run(folder, 'npx', ...check);
  if (name === 'react') console.log(run(folder, 'npx', 'quern', 'run', 'public/digits.onnx', '--device', 'wasm').trim().split('\n')[0]);
  // In a group of its own: npx starts the server as a child that would outlive it.
  const server = spawn('npx', serve, { cwd: folder, stdio: 'ignore', detached: true });
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error));
    page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
    await untilServed(server);
    await page.goto(`http://localhost:${port}/`);
    await visit(page);
    if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error('the page is not isolated: the headers are missing');
    if (errors.length > 0) throw new Error(`the page reported errors: ${errors.join('\n')}`);
  } finally {
    await browser.close();
    process.kill(-server.pid);
  }
}

async function untilServed(server) {
  for (let tries = 0; tries < 150; tries++) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    if (await fetch(`http://localhost:${port}/`).then((r) => r.ok, () => false)) return;
    await new Promise((done) => { setTimeout(done, 200); });
  }
  throw new Error('the server did not answer within 30 s');
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(apps);
const unknown = names.find((name) => !(name in apps));
if (unknown !== undefined) {
  console.error(`there is no example app '${unknown}'; known are ${Object.keys(apps).join(', ')}`);
  process.exit(2);
}
const scratch = mkdtempSync(join(tmpdir(), 'quern-package-'));
try {
  const [{ filename }] = JSON.parse(run(root, 'npm', 'pack', '--json', '--pack-destination', scratch));
  for (const name of names) {
    const started = Date.now();
    await tryApp(name, join(scratch, filename), join(scratch, name));
    console.log(`${name}: installed, built, served, a model ran; ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
