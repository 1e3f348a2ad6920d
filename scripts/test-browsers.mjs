/**
 * `npm run test:browsers`: the engine in Firefox and in WebKitGTK, on the CPU: kernel conformance on one thread and more, pages with the script
 * tag and, where the test material lies beside the repository, its float32 models on one and two threads. It installs the browsers where they
 * are missing and apt-get works, and needs the build (`npm run build`). Ends with a line 'N passed, N failed' for each browser.
 * `npm run test:browsers -- firefox` takes one browser; `--short` (which `npm test` uses) one thread count of everything and fewer models.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ensureBrowser, otherBrowsers } from './browsers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = 'test-results/browsers';
const models = '.material/models';

/** Of every kind one: what a short run verifies. */
const few = [
  'vision/mnist_cntk_op8', 'vision/resnet20_cifar10_ts_op17', 'vision/ultraface_rfb_320', 'vision/ultraface_rfb_320_nms_op13',
  'vision/super_resolution_core', 'text/stories260k_kv_ts_op16', 'random/bert_tiny_ts_op14',
].map((name) => `${models}/${name}`);

const node = (args, env = {}) => spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } }).status;

function report(path) {
  if (!existsSync(`${root}/${path}`)) throw new Error(`the runner wrote no report (${path}): it did not get that far`);
  return JSON.parse(readFileSync(`${root}/${path}`, 'utf8'));
}

function suites(browser, short) {
  const path = `${results}/${browser}-suites.json`;
  const only = short ? ['e2e/', 'engine/', 'device.browser'] : [];
  const status = node(
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.browsers.config.ts', '--reporter=dot', '--reporter=json', `--outputFile.json=${path}`, ...only],
    { QUERN_BROWSER: browser },
  );
  const { numPassedTests, numFailedTests, testResults } = report(path);
  const unloadable = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((a) => a.status === 'failed'));
  // An error outside any test counts as well.
  const failed = numFailedTests + unloadable.length;
  return { passed: numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed, skipped: 0 };
}

/** A model that Quern says it cannot run here is listed with its reason, neither passed nor failed. */
function verify(browser, threads, folders) {
  const path = `${results}/${browser}-${threads}-threads.json`;
  node(['cli/quern.mjs', 'verify', ...folders, '--device', 'wasm', '--threads', String(threads), '--browser', browser, '--json', path]);
  const { pass, fail, error, unsupported } = report(path).summary;
  return { passed: pass, failed: fail + error, skipped: unsupported };
}

/** The sums of one browser. */
function testBrowser(browser, { short = false } = {}) {
  ensureBrowser(browser);
  mkdirSync(`${root}/${results}`, { recursive: true });
  for (const file of readdirSync(`${root}/${results}`)) if (file.startsWith(browser)) rmSync(`${root}/${results}/${file}`);
  const total = { passed: 0, failed: 0, skipped: 0 };
  const part = (what, work) => {
    console.log(`\n-- ${browser}: ${what}`);
    let sums = { passed: 0, failed: 1, skipped: 0 };
    try {
      sums = work();
    } catch (error) {
      console.error(error);
    }
    for (const key of Object.keys(total)) total[key] += sums[key];
  };
  part('kernels, engine and pages', () => suites(browser, short));
  const folders = (short ? few : [models]).filter((folder) => existsSync(`${root}/${folder}`));
  if (folders.length === 0) console.log(`\n-- ${browser}: no test material, so no models were run`);
  else for (const threads of short ? [2] : [1, Math.max(2, Math.min(4, availableParallelism()))]) part(`models, threads: ${threads}`, () => verify(browser, threads, folders));
  return total;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!existsSync(`${root}/dist/quern.global.js`)) throw new Error("the bundle is not built: 'npm run build' first");
  const words = process.argv.slice(2);
  const chosen = otherBrowsers.filter((name) => words.includes(name));
  const unknown = words.filter((word) => word !== '--short' && !otherBrowsers.includes(word));
  if (unknown.length > 0) throw new Error(`there is no browser '${unknown[0]}': ${otherBrowsers.join(', ')}, --short`);
  const lines = (chosen.length > 0 ? chosen : otherBrowsers).map((browser) => {
    const { passed, failed, skipped } = testBrowser(browser, { short: words.includes('--short') });
    if (failed > 0) process.exitCode = 1;
    return `${browser}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} unsupported` : ''}`;
  });
  console.log(`\n${lines.join('\n')}`);
}
