/**
 * A headless Chromium and a page in it that holds the harness (cli/page/harness.ts). Calls go by name with JSON; a call that takes
 * longer than its limit, or whose page dies, costs only that page: the next call gets a fresh one.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { Browser, CDPSession, LaunchOptions, Page } from 'playwright';
import { chromiumFlags, findChromium } from '../scripts/chromium.mjs';
import type { PageApi } from './protocol.ts';
import type { FileServer } from './server.ts';

/** Something outside the program is missing: printed without a stack, exit code 2. */
export class SetupError extends Error {}

/** A page call that did not come back: the page was too slow or died. */
export class PageLost extends Error {}

async function launcher(): Promise<{ launch(options: LaunchOptions): Promise<Browser> }> {
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

export async function launchChromium(extra: readonly string[] = []): Promise<Browser> {
  const chromium = await launcher();
  const executablePath = findChromium();
  const real = await hasGpu();
  const base = real ? [...chromiumFlags.filter((f) => f !== '--use-webgpu-adapter=swiftshader'), '--ignore-gpu-blocklist', '--use-angle=vulkan'] : chromiumFlags;
  const own = (process.env['QUERN_CHROMIUM_FLAGS'] ?? '').split(/\s+/).filter((f) => f !== '');
  // Precise GPU memory and process figures need the real clock and no throttling of a page nobody looks at.
  const args = [...base, '--disable-renderer-backgrounding', '--disable-background-timer-throttling', ...extra, ...own];
  try {
    return await chromium.launch({ args, ...(executablePath === undefined ? { channel: 'chromium' } : { executablePath }) });
  } catch (error) {
    throw new SetupError(`Chromium does not start: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}\nSet QUERN_CHROMIUM to a browser.`);
  }
}

export interface HarnessPage {
  /** Throws `PageLost` past `limitMs`, or what the page threw. */
  call<K extends keyof PageApi>(name: K, args: Parameters<PageApi[K]>, limitMs: number): ReturnType<PageApi[K]>;
  /** Process ids of this browser's renderers and GPU process. */
  processes(): Promise<number[]>;
  close(): Promise<void>;
}

/** Starts a browser of its own for the page, so that its processes are its own as well. */
export async function openHarness(server: FileServer, distUrl: string, extra: readonly string[] = []): Promise<HarnessPage> {
  let browser = await launchChromium(extra);
  let page: Page | undefined;
  let session: CDPSession | undefined;

  const fresh = async (): Promise<Page> => {
    if (!browser.isConnected()) {
      browser = await launchChromium(extra);
      session = undefined;
    }
    const made = await browser.newPage();
    await made.goto(`${server.origin}/`);
    await made.evaluate(async (url) => {
      const scope = globalThis as { quernHarness?: unknown };
      scope.quernHarness = await import(url);
    }, `${distUrl}/cli/page.mjs`);
    return made;
  };

  const drop = async (): Promise<void> => {
    const old = page;
    page = undefined;
    if (old === undefined) return;
    // A renderer that spins cannot run its unload handlers; its process then goes with the browser.
    const closed = await Promise.race([old.close().then(() => true, () => false), delay(3000, false)]);
    if (!closed) await Promise.race([browser.close(), delay(3000, undefined)]);
  };

  return {
    call: (async (name: keyof PageApi, args: readonly unknown[], limitMs: number) => {
      page ??= await fresh();
      const mine = page;
      let lose: (reason: PageLost) => void = () => undefined;
      const lost = new Promise<never>((_, reject) => { lose = reject; });
      const timer = setTimeout(() => { lose(new PageLost(`no answer within ${String(Math.round(limitMs / 1000))} s`)); }, limitMs);
      const onCrash = (): void => { lose(new PageLost('the page crashed')); };
      mine.once('crash', onCrash);
      mine.once('close', onCrash);
      try {
        const answered = mine.evaluate(
          async ([method, values]): Promise<unknown> => {
            const api = (globalThis as unknown as { quernHarness: Record<string, (...a: unknown[]) => Promise<unknown>> }).quernHarness;
            return api[method]?.(...values);
          },
          [name, args] as [string, readonly unknown[]],
        );
        return await Promise.race([answered, lost]);
      } catch (error) {
        if (error instanceof PageLost) await drop();
        throw error;
      } finally {
        clearTimeout(timer);
        mine.off('crash', onCrash);
        mine.off('close', onCrash);
      }
    }) as HarnessPage['call'],
    async processes() {
      page ??= await fresh();
      session ??= await browser.newBrowserCDPSession();
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      return processInfo.filter(({ type }) => type === 'renderer' || type === 'GPU').map(({ id }) => id);
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
