/**
 * Tuning records: what was measured for a kernel on a device, as plain JSON without any code. Keys are hashes of the kernel's text, the
 * emitter and its version, the buckets of the dims and the device's fingerprint; nobody writes one by hand. Records come from
 * strangers (files, other tabs, older versions), so `parseRecords` takes nothing on trust, a schedule is used only if its space
 * allows it, and one that was not measured here is checked before its first use.
 */
import { QuernError } from '../error.ts';
import { hashText } from '../hash.ts';
import { type Kernel, kernelText } from '../kernel.ts';
import { type Schedule, type Space, scheduleText, violated } from '../space.ts';

/** Raised with every change of the format; other versions are ignored. */
export const recordsVersion = 1;

export type Verdict = 'winner' | 'slower' | 'wrong' | 'refused';

export interface Measurement {
  readonly schedule: Schedule;
  readonly verdict: Verdict;
  /** Median of one call in nanoseconds; missing where it was never timed. */
  readonly ns?: number;
  readonly samples: number;
  /** Measured on a slice of the kernel and scaled to the whole of it. */
  readonly part?: true;
  /** What was wrong, or what the platform's compiler said. */
  readonly why?: string;
}

export interface TuneRecord {
  readonly key: string;
  readonly emitter: string;
  readonly version: number;
  /** Kernel class and dims, for people. */
  readonly kind: string;
  readonly bucket: string;
  readonly winner: Schedule;
  readonly ns: number;
  readonly tried: readonly Measurement[];
  /** Were all candidates looked at, or did the budget end first? */
  readonly finished: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** False for records that came from elsewhere and have not been checked on this device. */
  readonly checked: boolean;
}

export interface Records {
  readonly version: typeof recordsVersion;
  readonly fingerprint: string;
  readonly entries: Readonly<Record<string, TuneRecord>>;
}

export const noRecords = (fingerprint: string): Records => ({ version: recordsVersion, fingerprint, entries: {} });

/** The bucket of one dim: 0, 1, 2-4, 5-16, ... by powers of 4 up to 4096, and the rest. M = 1 is not M = 128. */
export function bucketOf(dim: number): string {
  if (dim <= 1) return String(dim);
  for (let top = 4; top <= 4096; top *= 4) if (dim <= top) return `${top / 4 + 1}-${top}`;
  return '4097+';
}

export const bucketsOf = (dims: readonly number[]): string => dims.map(bucketOf).join(' ');

/** Keys are asked for again with every binding. */
const keys = new WeakMap<Kernel, Map<string, string>>();

export function recordKey(kernel: Kernel, space: Pick<Space, 'emitter' | 'version'>, dims: readonly number[], fingerprint: string): string {
  const place = [`${space.emitter} ${space.version}`, bucketsOf(dims), fingerprint].join('\n');
  const known = keys.get(kernel)?.get(place);
  if (known !== undefined) return known;
  const key = hashText(`${kernelText(kernel)}\n${place}`);
  const ofKernel = keys.get(kernel) ?? new Map<string, string>();
  keys.set(kernel, ofKernel.set(place, key));
  return key;
}

/** The record's schedule, if it is one that the space allows now and that was not found wrong. */
export function usable(record: TuneRecord | undefined, space: Space): Schedule | undefined {
  if (record === undefined || record.emitter !== space.emitter || record.version !== space.version) return undefined;
  if (violated(space, record.winner) !== undefined) return undefined;
  const text = scheduleText(record.winner);
  return record.tried.some((m) => m.verdict === 'wrong' && scheduleText(m.schedule) === text) ? undefined : record.winner;
}

/** Both sets of records; of two for one key the later, with what either tried. A schedule that either found wrong is no winner. */
export function mergeRecords(a: Records, b: Records): Records {
  if (a.fingerprint !== b.fingerprint) {
    throw new QuernError('internal', 'records of two devices', { expected: a.fingerprint, got: b.fingerprint });
  }
  const entries: Record<string, TuneRecord> = { ...a.entries };
  for (const [key, theirs] of Object.entries(b.entries)) {
    const ours = entries[key];
    entries[key] = ours === undefined ? theirs : mergeRecord(ours, theirs);
  }
  return { ...a, entries };
}

function mergeRecord(a: TuneRecord, b: TuneRecord): TuneRecord {
  // What was measured here beats what was imported; then the later one, then any fixed order.
  const order = Number(a.checked) - Number(b.checked) || a.at - b.at || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const [old, fresh] = order < 0 ? [a, b] : [b, a];
  const tried = new Map<string, Measurement>();
  for (const m of [...old.tried, ...fresh.tried]) {
    const text = scheduleText(m.schedule);
    if (tried.get(text)?.verdict !== 'wrong') tried.set(text, m);
  }
  const wrong = (s: Schedule): boolean => tried.get(scheduleText(s))?.verdict === 'wrong';
  const all = [...tried.values()].map((m): Measurement => {
    const isWinner = scheduleText(m.schedule) === scheduleText(fresh.winner);
    return m.verdict === 'winner' && !isWinner ? { ...m, verdict: 'slower' } : m;
  });
  if (!wrong(fresh.winner)) return { ...fresh, tried: all };
  const timed = all.filter((m) => m.ns !== undefined && m.part !== true && m.verdict !== 'wrong').sort((x, y) => (x.ns ?? 0) - (y.ns ?? 0));
  const next = timed[0];
  return next === undefined ? { ...fresh, tried: all } : { ...fresh, winner: next.schedule, ns: next.ns ?? fresh.ns, tried: all };
}

export const exportRecords = (records: Records): string => JSON.stringify(records);

/**
 * Records from text of any origin. Throws `invalid-input` for what is no set of records of this version or belongs to another device
 * (`fingerprint`); single entries that are malformed are dropped. All come out unchecked.
 */
export function importRecords(json: string, fingerprint: string): Records {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new QuernError('invalid-input', 'tuning records are not JSON', { cause });
  }
  const records = parseRecords(value);
  if (records === undefined) {
    throw new QuernError('invalid-input', 'these are no tuning records of this version', {
      expected: `an object with version ${recordsVersion}, fingerprint and entries`, got: shown(value),
    });
  }
  if (records.fingerprint !== fingerprint) {
    throw new QuernError('invalid-input', 'the tuning records are of another device', {
      expected: fingerprint, got: records.fingerprint, hint: 'tune on this device; what is fast on one is not on another',
    });
  }
  const entries = Object.fromEntries(Object.entries(records.entries).map(([k, r]) => [k, { ...r, checked: false }]));
  return { ...records, entries };
}

function shown(value: unknown): string {
  if (!isObject(value)) return value === null ? 'null' : typeof value;
  return 'version' in value ? `version ${String(value['version'])}` : `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'no keys'}`;
}

/** Structured data of any origin as records; undefined if it is not a set of records of this version. Unknown fields are dropped. */
export function parseRecords(value: unknown): Records | undefined {
  if (!isObject(value) || value['version'] !== recordsVersion || typeof value['fingerprint'] !== 'string' || !isObject(value['entries'])) {
    return undefined;
  }
  const entries: Record<string, TuneRecord> = {};
  for (const [key, entry] of Object.entries(value['entries'])) {
    const record = parseRecord(entry);
    if (record?.key === key && /^[0-9a-f]{16}$/.test(key)) entries[key] = record;
  }
  return { version: recordsVersion, fingerprint: value['fingerprint'], entries };
}

function parseRecord(value: unknown): TuneRecord | undefined {
  if (!isObject(value) || !Array.isArray(value['tried'])) return undefined;
  const { key, emitter, version, kind, bucket, ns, finished, at, checked } = value;
  const winner = parseSchedule(value['winner']);
  const tried = value['tried'].map(parseMeasurement).filter((m) => m !== undefined);
  if (typeof key !== 'string' || typeof emitter !== 'string' || typeof kind !== 'string' || typeof bucket !== 'string') return undefined;
  if (!isTime(version) || !isTime(ns) || !isTime(at) || winner === undefined) return undefined;
  return { key, emitter, version, kind, bucket, winner, ns, tried, finished: finished === true, at, checked: checked === true };
}

const verdicts: readonly string[] = ['winner', 'slower', 'wrong', 'refused'] satisfies readonly Verdict[];
const isVerdict = (value: unknown): value is Verdict => typeof value === 'string' && verdicts.includes(value);

function parseMeasurement(value: unknown): Measurement | undefined {
  if (!isObject(value)) return undefined;
  const { verdict, ns, samples, why, part } = value;
  const schedule = parseSchedule(value['schedule']);
  if (schedule === undefined || !isVerdict(verdict) || !isTime(samples)) return undefined;
  return {
    schedule, verdict, samples,
    ...(isTime(ns) ? { ns } : {}), ...(part === true ? { part } : {}), ...(typeof why === 'string' ? { why: why.slice(0, 500) } : {}),
  };
}

function parseSchedule(value: unknown): Schedule | undefined {
  if (!isObject(value)) return undefined;
  const knobs = Object.entries(value);
  if (knobs.length > 32 || !knobs.every(([, v]) => typeof v === 'number' && Number.isFinite(v))) return undefined;
  return Object.fromEntries(knobs) as Record<string, number>;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
