/** Where results go and what they say about the machine: a figure without its machine, browser and commit cannot be repeated. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '../cli/browser.ts';
import { packageRoot } from '../cli/server.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly browser: string;
  readonly node: string;
  readonly commit: string;
  readonly date: string;
}

async function machine(): Promise<Machine> {
  const browser = await launchChromium();
  const version = browser.version();
  await browser.close();
  const [first] = cpus();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return {
    cpu: first?.model ?? 'unknown', cores: cpus().length, memoryBytes: totalmem(), browser: `Chromium ${version}`, node: process.version, commit,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Writes bench/results/NAME.json and prints what it holds. */
export async function record(name: string, value: object): Promise<void> {
  const results = join(packageRoot(), 'bench/results');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify({ machine: await machine(), ...value }, null, 1)}\n`);
  console.log(`written bench/results/${name}.json`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
