/**
 * Finds the Chromium that tests and the command line drive, and says how to start it: QUERN_CHROMIUM, else chromium or Chrome on
 * PATH, else (undefined) the one Playwright downloads. Run directly it installs one where none is found.
 * WebGPU needs no GPU: SwiftShader, Chromium's software Vulkan, serves it when headless with these flags.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Flags for WebGPU on SwiftShader, as root, off the network. */
export const chromiumFlags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of an installed Chromium, or undefined if only Playwright's own can serve. */
export function findChromium() {
  const named = process.env.QUERN_CHROMIUM;
  if (named) {
    if (!executable(named)) throw new Error(`QUERN_CHROMIUM names '${named}', which cannot be executed`);
    return named;
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
}

/** Launch options for Playwright. `channel: 'chromium'` is the full browser: the headless shell has no WebGPU. */
export function launchOptions(extraFlags = []) {
  const executablePath = findChromium();
  const args = [...chromiumFlags, ...extraFlags];
  return executablePath === undefined ? { channel: 'chromium', args } : { executablePath, args };
}

const run = (command, args) => spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;

async function playwrightChromium() {
  try {
    const { chromium } = await import('playwright');
    return existsSync(chromium.executablePath());
  } catch {
    return false;
  }
}

/** Makes sure that there is a Chromium: Debian's package where apt-get works (as root), else Playwright's download. */
export async function ensureChromium() {
  if (findChromium() !== undefined || (await playwrightChromium())) return;
  console.log('no Chromium found: installing one');
  const apt = process.platform === 'linux' && process.getuid?.() === 0 && names.length > 0 && existsSync('/usr/bin/apt-get');
  if (apt && run('apt-get', ['update', '-q']) && run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'])) {
    if (findChromium() !== undefined) return;
  }
  const cli = fileURLToPath(new URL('../node_modules/playwright/cli.js', import.meta.url));
  if (!run(process.execPath, [cli, 'install', ...(apt ? ['--with-deps'] : []), 'chromium'])) {
    throw new Error('no Chromium could be installed: install one and name it in QUERN_CHROMIUM');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await ensureChromium();
  console.log(findChromium() ?? "Playwright's own Chromium");
}
