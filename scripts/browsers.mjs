/**
 * Firefox and WebKitGTK for tests and the command line: finds them, installs what is missing where apt-get works (as root), starts them and
 * gives pages of them. Firefox is driven by puppeteer-core over WebDriver BiDi; WebKitGTK's MiniBrowser by WebKitWebDriver, whose W3C
 * WebDriver protocol is a few requests, on a display of Xvfb's. Neither has WebGPU.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The variable that names each browser, the commands it needs, and the Debian packages that have them. */
const known = {
  firefox: { variable: 'QUERN_FIREFOX', commands: [['firefox-esr', 'firefox']], packages: ['firefox-esr'] },
  webkit: { variable: 'QUERN_WEBKIT_DRIVER', commands: [['WebKitWebDriver'], ['Xvfb']], packages: ['webkit2gtk-driver', 'xvfb'] },
};

/** Names that `launch` takes. */
export const otherBrowsers = Object.keys(known);

function onPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Paths of the commands a browser needs, the browser (or its driver) first; undefined if one is missing. */
function find(browser) {
  const { variable, commands } = known[browser];
  const paths = commands.map((names, i) => (i === 0 && process.env[variable]) || onPath(names));
  return paths.every((path) => path !== undefined) ? paths : undefined;
}

/** Makes sure that a browser is there. Throws where it is not and cannot be installed. */
export function ensureBrowser(browser) {
  if (find(browser) !== undefined) return;
  const { packages, variable } = known[browser];
  const advice = `install ${packages.join(' and ')}, or name the browser in ${variable}`;
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(`there is no ${browser} here: ${advice}`);
  console.log(`no ${browser} found: installing ${packages.join(', ')}`);
  const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0;
  if (!apt('update', '-q') || !apt('install', '-y', '-q', '--no-install-recommends', ...packages) || find(browser) === undefined) {
    throw new Error(`${browser} could not be installed: ${advice}`);
  }
}

/**
 * Starts a browser. `sharedMemory` (true by default): WebKitGTK has its SharedArrayBuffer, as Safari has, which its releases switch off. Its pages evaluate the text of an expression, a promise's value awaited, and hand back what JSON can carry of it;
 * `gone` settles when the browser has ended.
 */
export async function launch(browser, { sharedMemory = true } = {}) {
  const paths = find(browser);
  if (paths === undefined) throw new Error(`there is no ${browser} here: 'node scripts/browsers.mjs' installs it`);
  return browser === 'firefox' ? launchFirefox(paths) : launchWebKit(paths, sharedMemory);
}

async function launchFirefox([executablePath]) {
  const { default: puppeteer } = await import('puppeteer-core');
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true, protocolTimeout: 2 ** 30 });
  return {
    gone: new Promise((done) => { browser.once('disconnected', done); }),
    async open(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return {
        evaluate: async (expression) => parsed(await page.evaluate(`(async () => JSON.stringify(await (${expression})))()`)),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}

async function launchWebKit([driver, xvfb], sharedMemory) {
  const home = mkdtempSync(join(tmpdir(), 'quern-webkit-'));
  const started = [];
  // In groups of their own: the driver's death leaves a browser that hangs, so the whole group goes.
  const start = (path, args, options) => {
    const child = spawn(path, args, { ...options, detached: true });
    child.on('error', () => undefined);
    started.push(child);
    return child;
  };
  const kill = () => {
    for (const { pid } of started.splice(0)) {
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', kill);
  const stop = () => {
    process.off('exit', kill);
    kill();
  };
  try {
    const display = start(xvfb, ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const number = await new Promise((done, fail) => {
      display.stdout.once('data', (data) => { done(String(data).trim()); });
      display.once('exit', () => { fail(new Error('Xvfb ended before it had a display')); });
    });
    const port = await freePort();
    const folders = Object.fromEntries(['HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR'].map((name) => [name, home]));
    const env = { ...process.env, ...folders, DISPLAY: `:${number}`, WEBKIT_DISABLE_COMPOSITING_MODE: '1', NO_AT_BRIDGE: '1', JSC_useSharedArrayBuffer: String(sharedMemory) };
    const service = start(driver, [`--port=${port}`, '--host=127.0.0.1'], { stdio: process.env.QUERN_DEBUG ? 'inherit' : 'ignore', env });
    const request = async (method, path, body) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const { value } = await response.json();
      if (!response.ok) throw new Error(`${value?.error ?? response.status}: ${value?.message ?? ''}`);
      return value;
    };
    for (let left = 100; ; left--) {
      const status = await request('GET', '/status').catch((error) => { if (left === 0) throw error; });
      if (status?.ready) break;
      await delay(50);
    }
    const args = ['--automation'];
    const binary = miniBrowser();
    const { sessionId } = await request('POST', '/session', {
      capabilities: { alwaysMatch: { timeouts: { script: 2 ** 31 - 1, pageLoad: 60_000 }, 'webkitgtk:browserOptions': { args, ...(binary === undefined ? {} : { binary }) } } },
    });
    const session = (method, path, body) => request(method, `/session/${sessionId}${path}`, body);
    // A session ends with its last window: the one it begins with is used first, and a closed one leaves an empty one behind.
    let spare = true;
    return {
      gone: new Promise((done) => { service.once('exit', done); }),
      async open(url) {
        if (!spare) await session('POST', '/window', { handle: (await session('POST', '/window/new', { type: 'tab' })).handle });
        spare = false;
        await session('POST', '/url', { url });
        const handle = await session('GET', '/window');
        return {
          async evaluate(expression) {
            const { value, error } = await session('POST', '/execute/async', { script: evaluation, args: [expression] });
            if (error !== undefined) throw new Error(error);
            return parsed(value);
          },
          async close() {
            const next = await session('POST', '/window/new', { type: 'tab' });
            await session('POST', '/window', { handle });
            await session('DELETE', '/window');
            await session('POST', '/window', { handle: next.handle });
            spare = true;
          },
        };
      },
      async close() {
        await Promise.race([session('DELETE', '').catch(() => undefined), delay(3000)]);
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** The body of WebDriver's function: an expression's text and a callback are its arguments. */
const evaluation = 'const [text, done] = arguments; Promise.resolve().then(() => eval(text)).then((v) => done({ value: JSON.stringify(v) }), '
  + '(e) => done({ error: e instanceof Error ? e.message : String(e) }))';

const delay = (ms) => new Promise((done) => { setTimeout(done, ms).unref(); });

const parsed = (text) => (typeof text === 'string' ? JSON.parse(text) : undefined);

/** Debian keeps it beside WebKit's own processes. Elsewhere the driver knows. */
function miniBrowser() {
  return ['x86_64', 'aarch64'].map((cpu) => `/usr/lib/${cpu}-linux-gnu/webkit2gtk-4.1/MiniBrowser`).find((path) => existsSync(path));
}

const freePort = () => new Promise((done, fail) => {
  const server = createServer();
  server.once('error', fail);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => { done(port); });
  });
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const browser of otherBrowsers) {
    ensureBrowser(browser);
    console.log(find(browser)[0]);
  }
}
