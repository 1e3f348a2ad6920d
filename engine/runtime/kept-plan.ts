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
import type { Wanted } from '../load/external.ts';
import type { Fetched } from '../load/load-graph.ts';
import { type Skeleton, payloadAt } from '../load/wire.ts';
import type { ResolvedOptions } from '../options.ts';
import { readPlan, writePlan } from '../plan/plan-codec.ts';
import type { Plan } from '../plan/plan.ts';
import type { Devices } from './compile-model.ts';

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

/** Under which the plan of a model is kept. */
export function planKey(skeleton: Skeleton, setting: string): string {
  const large = [...skeleton.payloads].flatMap(([at, { length }]) => (length < LARGE ? [] : [at, length]));
  const hash = hashes.get(skeleton) ?? hashBytes(skeleton.bytes);
  hashes.set(skeleton, hash);
  return `plan:${hashText(`${setting} ${hash} ${large.join()}`)}`;
}

/** What is kept under a key. Its ranges are needed to bring the rest of the model in. */
export async function findPlan(cache: Cache, key: string): Promise<KeptPlan | undefined> {
  const data = await cache.getChoice(key);
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

/** The plan for weights that come from elsewhere: its constants have no bytes. */
export function restoreBare({ plan }: KeptPlan): Plan | undefined {
  return tried(() => readPlan(plan, {
    write: () => null,
    read(data) {
      const { dtype, dims, narrow } = row.read(data);
      const constant = new Constant(dtype, dims, new Uint8Array(0), narrow);
      constant.release();
      return constant;
    },
  }));
}

/**
 * Notes down what is to be kept of a plan while all its bytes are here; the result writes it, when there is time. Undefined for a plan
 * that cannot be kept.
 */
export function notePlan(plan: Plan, { skeleton, external, ranges }: Fetched, key: string): ((cache: Cache) => Promise<void>) | undefined {
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

function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // Whatever is wrong with it: it was stored by somebody else, or long ago.
    return undefined;
  }
}
