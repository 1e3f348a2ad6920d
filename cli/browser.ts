/**
 * A headless browser and a page in it that holds the harness (cli/page/harness.ts): Chromium by Playwright, Firefox and WebKitGTK by
 * scripts/browsers.mjs. Calls go by name with JSON; a call that takes longer than its limit, or whose page dies, costs only that page: the
 * next call gets a fresh one.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserType, LaunchOptions } from 'playwright';
import { type BrowserPage, type OtherBrowser, launch } from '../scripts/browsers.mjs';
import { chromiumFlags, findChromium } from '../scripts/chromium.mjs';
import type { PageApi } from './protocol.ts';
import type { FileServer } from './server.ts';

/** Something outside the program is missing: printed without a stack, exit code 2. */
export class SetupError extends Error {}

/** A page call that did not come back: the page was too slow or died. */
export class PageLost extends Error {}

async function launcher(): Promise<BrowserType> {
  try {
    return (await import('playwright')).chromium;
  } catch {
    throw new SetupError("the package 'playwright' is not installed: npm i -D playwright");
  }
}

/** Whether a driver for a real GPU can be there. SwiftShader, which the flags ask for, would hide it. */
async function hasGpu(): Promise<boolean> {
  if (existsSync('/dev/nvidia0')) return true;
  const nodes = await readdir('/dev/dri').catch(() => []);
  return nodes.some((name) => name.startsWith('render'));
}

export type BrowserName = 'chromium' | OtherBrowser;

/** Calls `start` with what Chromium is to be started with here. */
async function withChromium<T>(start: (chromium: BrowserType, options: LaunchOptions) => Promise<T>): Promise<T> {
  const chromium = await launcher();
  const executablePath = findChromium();
  const real = await hasGpu();
  const base = real ? [...chromiumFlags.filter((f) => f !== '--use-webgpu-adapter=swiftshader'), '--ignore-gpu-blocklist', '--use-angle=vulkan'] : chromiumFlags;
  const own = (process.env['QUERN_CHROMIUM_FLAGS'] ?? '').split(/\s+/).filter((f) => f !== '');
  // Precise GPU memory and process figures need the real clock and no throttling of a page nobody looks at.
  const args = [...base, '--disable-renderer-backgrounding', '--disable-background-timer-throttling', ...own];
  try {
    return await start(chromium, { args, ...(executablePath === undefined ? { channel: 'chromium' } : { executablePath }) });
  } catch (error) {
    throw new SetupError(`Chromium does not start: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}\nSet QUERN_CHROMIUM to a browser.`);
  }
}

export const launchChromium = (): Promise<Browser> => withChromium((chromium, options) => chromium.launch(options));

/** A browser as the harness uses it, whatever drives it. */
interface Driven {
  open(url: string): Promise<BrowserPage & { readonly gone: Promise<unknown> }>;
  /** Process ids of renderers and the GPU process; none where the driver does not tell. */
  processes(): Promise<number[]>;
  connected(): boolean;
  close(): Promise<void>;
}

async function startBrowser(name: BrowserName): Promise<Driven> {
  switch (name) {
    case 'chromium': return driveChromium();
    case 'firefox': case 'webkit': return driveOther(name);
    default: return name satisfies never;
  }
}

/** A profile on disk, as visitors have: without one, files that a page keeps are held in memory, and count as its own. */
export async function launchProfile(): Promise<{ readonly context: BrowserContext; readonly close: () => Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), 'quern-profile-'));
  const context = await withChromium((chromium, options) => chromium.launchPersistentContext(profile, options));
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function driveChromium(): Promise<Driven> {
  const { context, close } = await launchProfile();
  let alive = true;
  context.once('close', () => { alive = false; });
  return {
    async open(url) {
      const page = await context.newPage();
      const gone = new Promise((done) => {
        page.once('crash', done);
        page.once('close', done);
      });
      await page.goto(url);
      return { gone, evaluate: (expression) => page.evaluate(expression), close: () => page.close() };
    },
    async processes() {
      const session = await context.browser()?.newBrowserCDPSession();
      if (session === undefined) return [];
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      await session.detach();
      return processInfo.filter(({ type }) => type === 'renderer' || type === 'GPU').map(({ id }) => id);
    },
    connected: () => alive,
    close,
  };
}

async function driveOther(name: OtherBrowser): Promise<Driven> {
  const browser = await launch(name).catch((error: unknown) => {
    throw new SetupError(`${name} does not start: ${error instanceof Error ? error.message : String(error)}`);
  });
  let alive = true;
  void browser.gone.then(() => { alive = false; });
  return {
    open: async (url) => ({ ...(await browser.open(url)), gone: browser.gone }),
    processes: () => Promise.resolve([]),
    connected: () => alive,
    close: () => browser.close(),
  };
}

export interface HarnessPage {
  /** Throws `PageLost` past `limitMs`, or what the page threw. */
  call<K extends keyof PageApi>(name: K, args: Parameters<PageApi[K]>, limitMs: number): ReturnType<PageApi[K]>;
  /** Process ids of this browser's renderers and GPU process; none where its driver does not tell. */
  processes(): Promise<number[]>;
  close(): Promise<void>;
}

/** Starts a browser of its own for the page, so that its processes are its own as well. */
export async function openHarness(server: FileServer, distUrl: string, name: BrowserName): Promise<HarnessPage> {
  let browser = await startBrowser(name);
  let page: Awaited<ReturnType<Driven['open']>> | undefined;

  const fresh = async (): Promise<NonNullable<typeof page>> => {
    if (!browser.connected()) browser = await startBrowser(name);
    const made = await browser.open(`${server.origin}/`);
    await made.evaluate(`import(${JSON.stringify(`${distUrl}/cli/page.mjs`)}).then((harness) => { globalThis.quernHarness = harness; })`);
    return made;
  };

  const drop = async (): Promise<void> => {
    const old = page;
    page = undefined;
    if (old === undefined) return;
    // A renderer that spins cannot run its unload handlers; its process then goes with the browser.
    const closed = await Promise.race([old.close().then(() => true, () => false), delay(3000, false)]);
    if (!closed) await Promise.race([browser.close(), delay(5000, undefined)]);
  };

  return {
    call: (async (method: keyof PageApi, args: readonly unknown[], limitMs: number) => {
      page ??= await fresh();
      const mine = page;
      let timer: ReturnType<typeof setTimeout> | undefined;
      try {
        return await Promise.race([
          mine.evaluate(`quernHarness[${JSON.stringify(method)}](...${JSON.stringify(args)})`),
          mine.gone.then(() => { throw new PageLost('the page crashed'); }),
          new Promise<never>((_, reject) => {
            timer = setTimeout(() => { reject(new PageLost(`no answer within ${String(Math.round(limitMs / 1000))} s`)); }, limitMs);
          }),
        ]);
      } catch (error) {
        if (error instanceof PageLost) await drop();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    }) as HarnessPage['call'],
    async processes() {
      page ??= await fresh();
      return browser.processes();
    },
    async close() {
      await browser.close();
    },
  };
}

const delay = <T>(ms: number, value: T): Promise<T> =>
  new Promise((done) => {
    setTimeout(() => { done(value); }, ms).unref();
  });
