/**
 * Weights kept from visit to visit as a device holds them once setup steps have run, in one file of the private file system. In: what a server
 * says of a model. Out: the plan that an earlier visit made of it and the bytes of all its weights, so that the model itself is neither read nor
 * compiled. It is taken for the same model where the server vouches for it (ETag or Last-Modified, and size, as for kept files), under the same
 * setting; else everything goes its ordinary way, and what is there is replaced.
 */
import { nextTask } from '../../jit/next-task.ts';
import { hashText } from '../../jit/hash.ts';
import type { Allocate } from '../load/byte-stream.ts';
import type { KeptFile, KeptFiles } from '../load/kept-files.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Plan } from '../plan/plan.ts';
import type { WireSource } from './model.ts';
import { type Residence, residents, sizeOf } from './residence.ts';

/** Beyond that, a model would take twice its size of what a site may store. */
const mostBytes = 2 ** 28;

/** The bytes of weights, by tensor of the plan. */
export type ReadyWeights = ReadonlyMap<number, Uint8Array>;

export class KeptWeights {
  readonly #files: KeptFiles;
  readonly #key: string;
  #file: Promise<KeptFile | undefined>;

  private constructor(files: KeptFiles, key: string) {
    this.#files = files;
    this.#key = key;
    this.#file = files.open(key);
  }

  /** Opened at once, while the server is asked. Undefined for a model whose source nobody vouches for. */
  static of(files: KeptFiles | undefined, source: WireSource, options: ResolvedOptions): KeptWeights | undefined {
    if (files === undefined || source.kind !== 'url') return undefined;
    const { device, threads, precision, dims } = options;
    return new KeptWeights(files, JSON.stringify(['weights', source.url, device, threads, precision, Object.entries(dims).sort()]));
  }

  /** Whether there are weights of any version. */
  async any(): Promise<boolean> {
    return (await this.#file)?.announced !== undefined;
  }

  /** The key of the plan that the weights belong to, if they are of this version of the model and this setting. */
  async planKey(version: string, setting: string): Promise<string | undefined> {
    const found = (await this.#file)?.announced?.version ?? '';
    const key = found.slice(found.lastIndexOf(' ') + 1);
    return found === versionOf(version, setting, key) ? key : undefined;
  }

  /** Weights of all residents of a plan, in memory that `allocate` makes; undefined if they are not all there. `check` may end it by throwing. */
  async read(plan: Plan, allocate: Allocate, check: () => void): Promise<ReadyWeights | undefined> {
    const file = await this.#file;
    const tensors = residents(plan);
    if (file?.announced?.size !== tensors.reduce((n, t) => n + sizeOf(t), 0)) return undefined;
    const ready = new Map<number, Uint8Array>();
    let [at, piece] = [0, new Uint8Array(0)];
    for (const t of tensors) {
      if (sizeOf(t) === 0) continue;
      const bytes = await allocate(sizeOf(t));
      for (let filled = 0; filled < bytes.length;) {
        if (piece.length === 0) {
          const next = file.read(at);
          if (next === undefined) return undefined;
          piece = next as Uint8Array<ArrayBuffer>;
          check();
        }
        const part = piece.subarray(0, bytes.length - filled);
        bytes.set(part, filled);
        piece = piece.subarray(part.length);
        filled += part.length;
        at += part.length;
      }
      ready.set(t.id, bytes);
    }
    return ready;
  }

  /** Lets go of the file, which nobody else can open as long as it is held. */
  async close(): Promise<void> {
    (await this.#file)?.close();
    this.#file = Promise.resolve(undefined);
  }

  /** Replaces what is kept, a piece a turn, so that runs need not wait for all of it. */
  async write(residence: Residence, version: string, setting: string, planKey: string): Promise<void> {
    const tensors = residence.mapped();
    const size = tensors.reduce((n, t) => n + sizeOf(t), 0);
    if (size === 0 || size > mostBytes) return;
    const file = await this.#files.open(this.#key);
    if (file === undefined) return;
    try {
      await file.restart({ version: versionOf(version, setting, planKey), size }, 1);
      let at = 0;
      for (const t of tensors) {
        for (let from = 0; from < sizeOf(t); from += turnBytes) {
          const part = residence.bytesOf(t).subarray(from, from + turnBytes);
          file.append(at, part);
          at += part.length;
          if (at % turnBytes < part.length) await nextTask();
        }
      }
    } finally {
      file.close();
    }
  }
}

/** Some 2 ms. */
const turnBytes = 2 ** 20;

const versionOf = (version: string, setting: string, planKey: string): string => `${version} ${hashText(setting)} ${planKey}`;
