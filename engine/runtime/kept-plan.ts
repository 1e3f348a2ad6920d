/**
 * Plans kept from visit to visit: a model that was planned once is not parsed, lowered or planned again. In: the model's bytes as they have
 * arrived, and what else its plan follows from. Out: the plan that an earlier visit made, over the weights that are here now. A plan belongs
 * to a model if all bytes match that it was made from: everything but large tensors, and of these the ones that were looked into while
 * compiling. The others may change, as in a model that was trained on. What does not match or has another form is left aside, and written anew.
 */
import build from 'virtual:quern-build';
import type { DeviceProfile } from '../../jit/device.ts';
import { type DType, bytesOf, scalarTypes } from '../../jit/expr/dtype.ts';
import { hashBytes, hashText } from '../../jit/hash.ts';
import type { Cache } from '../cache/cache.ts';
import { type Codec, anything, list, number, oneOf, optional, record, require, text } from '../cache/codec.ts';
import type { Json } from '../cache/entry.ts';
import { Constant, type Narrow } from '../graph/graph.ts';
import { LARGE } from '../load/byte-stream.ts';
import type { KeptFile, KeptFiles } from '../load/kept-files.ts';
import type { Wanted } from '../load/external.ts';
import type { Fetched } from '../load/load-graph.ts';
import { type Skeleton, payloadAt } from '../load/wire.ts';
import type { ResolvedOptions } from '../options.ts';
import { readPlan, writePlan } from '../plan/plan-codec.ts';
import type { Plan } from '../plan/plan.ts';
import type { Devices } from './compile-model.ts';
import type { Residence } from './residence.ts';

/** Bytes kept with a plan since they stand nowhere in the file as they are (bool tensors in integers, 4-bit ones unpacked): mostly none. */
const mostInline = 2 ** 18;
/** Bytes of large tensors that are compared, at some 500 MB/s. */
const mostCompared = 2 ** 24;
const mostText = 2 ** 24;

/** Where bytes stand: at a position of the skeleton, in a range of another file, or here. */
type Place = number | string | readonly number[];
interface Row { readonly dtype: DType; readonly dims: readonly number[]; readonly narrow: Narrow | undefined; readonly place: Place }
interface Looked { readonly place: Place; readonly hash: string }
export interface KeptPlan {
  /** The parts of other files that hold tensors. */
  readonly ranges: readonly Wanted[];
  readonly looked: readonly Looked[];
  readonly plan: Json;
}

const numbers = list(number);
const place: Codec<Place> = {
  write: (value) => value,
  read: (data) => (typeof data === 'number' || typeof data === 'string' ? data : numbers.read(data)),
};
const row = record<Row>({
  dtype: oneOf(scalarTypes.filter((t): t is DType => t !== 'index')), dims: numbers, narrow: optional(oneOf(['int4', 'uint4'])), place,
});
const entry = record<KeptPlan>({
  ranges: list(record<Wanted>({ range: record<Wanted['range']>({ location: text, offset: number, length: number }), tensor: text })),
  looked: list(record<Looked>({ place, hash: text })),
  plan: anything,
});

/** All that a plan follows from besides the model. Of what was measured only the panel, which decides how weights are packed. */
export function settingOf({ main, cpu }: Devices, { precision, dims, maxIterations }: Pick<ResolvedOptions, 'precision' | 'dims' | 'maxIterations'>): string {
  const facts = (profile: DeviceProfile | undefined): Json => {
    if (profile === undefined) return null;
    const { kind, fingerprint, fma, panel, features, limits } = profile;
    return [kind, fingerprint, fma, panel, [...features], sorted(limits)];
  };
  return JSON.stringify([build, facts(main.profile), facts(cpu?.profile), precision, sorted(dims), maxIterations]);
}

const sorted = (named: Readonly<Record<string, number>>): Json => Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1));

/** A skeleton is looked at several times in a load. */
const hashes = new WeakMap<Skeleton, string>();

function keyOf(skeleton: Skeleton, setting: string): string {
  const large = [...skeleton.payloads].flatMap(([at, { length }]) => (length < LARGE ? [] : [at, length]));
  const hash = hashes.get(skeleton) ?? hashBytes(skeleton.bytes);
  hashes.set(skeleton, hash);
  return `plan:${hashText(`${setting} ${hash} ${large.join()}`)}`;
}

/** What is kept for a skeleton. Its ranges are needed to bring the rest of the model in. */
export async function findPlan(cache: Cache, skeleton: Skeleton, setting: string): Promise<KeptPlan | undefined> {
  const data = await cache.getChoice(keyOf(skeleton, setting));
  return data === undefined ? undefined : tried(() => entry.read(data as Json));
}

/** The plan for the bytes at hand; undefined if it was made from others. */
export function restorePlan({ looked, plan }: KeptPlan, fetched: Fetched): Plan | undefined {
  const found = (at: Place, length: number | undefined): Uint8Array => {
    if (typeof at === 'object') return Uint8Array.from(at);
    const bytes = typeof at === 'string' ? fetched.external.get(at) : payloadAt(fetched.skeleton, at, length);
    require(bytes !== undefined && (length === undefined || bytes.length === length));
    return bytes;
  };
  return tried(() => {
    require(looked.every((l) => hashBytes(found(l.place, undefined)) === l.hash));
    return readPlan(plan, {
      write: () => null,
      read(data) {
        const { dtype, dims, narrow, place: at } = row.read(data);
        return new Constant(dtype, dims, found(at, dims.reduce((a, b) => a * b, bytesOf(dtype))), narrow);
      },
    });
  });
}

/**
 * Notes down what is to be kept of a plan while all its bytes are here; the result writes it, when there is time. Undefined for a plan
 * that cannot be kept.
 */
export function notePlan(plan: Plan, { skeleton, external, ranges }: Fetched, setting: string): ((cache: Cache) => Promise<void>) | undefined {
  const key = keyOf(skeleton, setting);
  const places = new Map<Uint8Array, Place>([...skeleton.payloads].flatMap(([at, { bytes }]) => (bytes === undefined ? [] : [[bytes, at]])));
  for (const [at, bytes] of external) places.set(bytes, at);
  const rows = new Map<Constant, Json>();
  const [used, seen] = [new Set<Uint8Array>(), new Set<Uint8Array>()];
  let inline = 0;
  for (const { source } of plan.tensors.values()) {
    if (source.kind !== 'constant' || source.constant.held === undefined) continue;
    const { dtype, dims, narrow, looked, held } = source.constant;
    const at = places.get(held);
    if (at === undefined) inline += held.length;
    (looked ? seen : used).add(held);
    if (inline <= mostInline) rows.set(source.constant, row.write({ dtype, dims, narrow, place: at ?? [...held] }));
  }
  // What the plan does not read as it stands may have become something else in it.
  const compared = [...places].filter(([bytes]) => bytes.length >= LARGE && (seen.has(bytes) || !used.has(bytes)));
  if (inline > mostInline || compared.reduce((n, [bytes]) => n + bytes.length, 0) > mostCompared) return undefined;
  const looked = compared.map(([bytes, at]): Looked => ({ place: at, hash: hashBytes(bytes) }));
  return async (cache) => {
    const constant: Codec<Constant> = {
      write: (c) => rows.get(c) ?? null,
      read: () => { throw new Error('a plan is written'); },
    };
    const data = entry.write({ ranges, looked, plan: writePlan(plan, constant) });
    if (JSON.stringify(data).length <= mostText) await cache.putChoice(key, data);
  };
}

/** Prepared weights up to this size are kept as well: more than that takes as long to read as to prepare. */
const mostPrepared = 2 ** 25;

/** Of weights that a server vouches for, one word in so many is compared as well: files of one size and one date may differ all the same. */
const sampled = 16;

/**
 * What tells weights from others. Where no server vouches for them the platform's own hash, on a thread of its own: hashing 1.5 MB here takes a
 * cold engine 12 ms, and to begin with the platform's takes 10. It is there wherever a private file system is, and takes no views of shared memory.
 */
async function versionOf(all: readonly Uint8Array[], vouched: string | undefined): Promise<string> {
  if (vouched !== undefined) return hashText([vouched, ...all.map((bytes) => hashBytes(bytes, sampled))].join());
  const digests = await Promise.all(all.map((bytes) => crypto.subtle.digest('SHA-256', new Uint8Array(bytes))));
  return hashText(digests.map((d) => hashBytes(new Uint8Array(d))).join());
}

/** Weights as their setup steps left them, for a model whose large tensors are the same. */
export class KeptWeights {
  readonly #files: KeptFiles | undefined;
  readonly #key: string;
  readonly #version: Promise<string>;
  readonly #opened: Promise<KeptFile | undefined> | undefined;
  #missing = true;

  /** Made while all bytes are here. `likely`: an earlier visit is known to have been here, and what it left is opened at once. */
  constructor(files: KeptFiles | undefined, { skeleton, external, version }: Fetched, setting: string, likely: boolean) {
    const large = [...skeleton.payloads.values()].flatMap(({ bytes, length }) => (bytes === undefined || length < LARGE ? [] : [bytes]));
    const all = [...large, ...external.values()];
    this.#files = all.reduce((n, b) => n + b.length, 0) > mostPrepared ? undefined : files;
    this.#key = `prepared ${keyOf(skeleton, setting)}`;
    this.#opened = likely ? this.#files?.open(this.#key) : undefined;
    this.#version = this.#files === undefined ? Promise.resolve('') : versionOf(all, version);
    // Who waits for it hears of it.
    this.#version.catch(() => undefined);
  }

  async read({ bytes: size }: ReturnType<Residence['prepared']>): Promise<Uint8Array | undefined> {
    const file = await this.#opened;
    if (file === undefined) return undefined;
    if (size === 0 || file.announced?.version !== await this.#version || file.announced.size !== size) {
      file.close();
      return undefined;
    }
    const whole = new Uint8Array(size);
    let at = 0;
    for (let part = file.read(0); part !== undefined; part = file.read(at)) {
      whole.set(part, at);
      at += part.length;
    }
    file.close();
    this.#missing = at < size;
    return this.#missing ? undefined : whole;
  }

  async write(residence: Residence): Promise<void> {
    const { tensors, bytes: size } = residence.prepared();
    if (!this.#missing || size === 0 || size > mostPrepared) return;
    const file = await this.#files?.open(this.#key);
    await file?.restart({ version: await this.#version, size }, 1);
    let at = 0;
    for (const t of tensors) {
      const bytes = residence.bytesOf(t);
      file?.append(at, bytes);
      at += bytes.length;
    }
    file?.close();
  }
}

function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // Whatever is wrong with it: it was stored by somebody else, or long ago.
    return undefined;
  }
}
