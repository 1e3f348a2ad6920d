/**
 * Times of exhaustive searches on their way from `tuning` to `tuning-engines`: every kernel of a model with the milliseconds of each of its
 * schedules in one engine, as JSON in .cache/tuning/NAME/MODEL.json. Megabytes that anybody can measure again, so they are not committed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../cli/server.ts';
import type { Report } from '../engine/index.ts';
import { scheduleText } from '../jit/space.ts';

export interface KernelTimes {
  /** The nodes it computes: the same in every engine, whatever the layouts. */
  readonly id: string;
  readonly op: string;
  readonly kind: string;
  readonly calls: number;
  readonly flops: number;
  readonly fallback: string;
  /** Milliseconds of one call by the schedule's text. */
  readonly times: Readonly<Record<string, number>>;
}

export interface ModelTimes {
  readonly model: string;
  readonly fingerprint: string;
  readonly fma: boolean;
  readonly panel: number;
  readonly kernels: readonly KernelTimes[];
}

const folder = (name: string): string => join(packageRoot(), '.cache/tuning', name);

export function keepTimes(name: string, model: string, { fingerprint, hardware, kernels }: Report): void {
  const kept: ModelTimes = {
    model, fingerprint, fma: hardware.features.includes('fma'), panel: hardware.panel,
    kernels: kernels.map((k) => ({
      id: `${k.nodes.map(({ node, op }) => `${op} ${node}`).join(', ')} ${String(k.flops)}`, op: k.nodes[0]?.op ?? k.kind, kind: k.kind, calls: k.calls,
      flops: k.flops, fallback: scheduleText(k.fallback),
      times: Object.fromEntries(k.tried.flatMap((t) => (t.ms === undefined || t.verdict === 'wrong' ? [] : [[scheduleText(t.schedule), t.ms]]))),
    })),
  };
  mkdirSync(folder(name), { recursive: true });
  writeFileSync(join(folder(name), `${model.replaceAll(/[^\w.-]+/g, '_')}.json`), JSON.stringify(kept));
}

/** What an engine's searches left; throws where there is none. */
export const readTimes = (name: string): ModelTimes[] =>
  readdirSync(folder(name)).sort().map((file) => JSON.parse(readFileSync(join(folder(name), file), 'utf8')) as ModelTimes);
