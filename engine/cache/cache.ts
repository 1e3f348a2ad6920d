/**
 * What a second visit need not find out again: device profiles, tuning records, plan choices; never code. Reads give what is there and
 * valid, writes merge atomically with what other tabs wrote. Nothing here ever fails a load: without IndexedDB, with a full quota or a
 * broken database the same calls work on memory, and `notes` says once what was lost.
 */
import type { DeviceProfile } from '../../jit/device.ts';
import { type Records, type TuneRecord, mergeRecords, noRecords, parseRecords } from '../../jit/tune/records.ts';
import { type Json, open, seal, writtenAt } from './entry.ts';
import { parseProfile } from './profile.ts';
import { soon, storagePatienceMs } from './soon.ts';
import { type Store, indexedDbStore, memoryStore } from './store.ts';

export interface Cache {
  /** Facts measured on a device, under whatever identifies it before it is probed. */
  getProfile(key: string): Promise<DeviceProfile | undefined>;
  putProfile(key: string, profile: DeviceProfile): Promise<void>;
  /** All records of a device; none if there are none. */
  records(fingerprint: string): Promise<Records>;
  /** Merges records into what is stored, also by other tabs meanwhile. */
  putRecords(fingerprint: string, records: Records): Promise<void>;
  /** Plans, as plain JSON; the reader validates them. Those that were written longest ago go when there are too many. */
  getChoice(key: string): Promise<unknown>;
  putChoice(key: string, choice: Json): Promise<void>;
  /** Runs `work` as the only tuner of this device among all tabs, once the others are done. Rejects if aborted while waiting. */
  asOnlyTuner<T>(fingerprint: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** What did not work, each thing once, for `report()`. */
  notes(): string[];
}

/** The part of the Web Locks API that is used. */
export interface Locks {
  request<T>(name: string, options: { readonly signal?: AbortSignal }, work: () => Promise<T>): Promise<T>;
}

export interface CacheOptions {
  /** False: keep everything in memory, for this session only. */
  readonly enabled: boolean;
  /** Instead of IndexedDB. */
  readonly store?: Store;
  readonly locks?: Locks | undefined;
  readonly database?: string;
  /** Milliseconds that storage may take to answer; a database that never opens must not hold up a load. */
  readonly patienceMs?: number;
}

/** Devices whose records are kept: with each browser version a new one comes. */
const devicesKept = 6;
/** Plans: 10 KB to 1 MB each. */
const choicesKept = 32;
/** Records of one device: some 3 KB each with all measurements, so at most 6 MB. */
const recordsKept = 2000;

export function openCache(options: CacheOptions): Cache {
  return new StoredCache(options);
}

class StoredCache implements Cache {
  /** Undefined once storage is found unusable. */
  #store: Store | undefined;
  /** What this session knows: written always, read where storage has nothing. */
  readonly #session = memoryStore();
  readonly #locks: Locks | undefined;
  readonly #patience: number;
  readonly #notes = new Set<string>();
  readonly #tidied = new Set<string>();

  constructor({ enabled, store, locks, database = 'quern', patienceMs = storagePatienceMs }: CacheOptions) {
    this.#patience = patienceMs;
    this.#locks = locks ?? (enabled ? platformLocks() : undefined);
    if (!enabled) return;
    try {
      this.#store = store ?? indexedDbStore(database);
    } catch (error) {
      this.#lose(error);
    }
  }

  async getProfile(key: string): Promise<DeviceProfile | undefined> {
    return parseProfile(await this.#get(`profile:${key}`));
  }

  putProfile(key: string, profile: DeviceProfile): Promise<void> {
    return this.#update(`profile:${key}`, () => profile);
  }

  async records(fingerprint: string): Promise<Records> {
    return valid(await this.#get(`records:${fingerprint}`), fingerprint);
  }

  async putRecords(fingerprint: string, records: Records): Promise<void> {
    await this.#update(`records:${fingerprint}`, (old) => bounded(mergeRecords(valid(old, fingerprint), records)));
    await this.#tidy('records:', `records:${fingerprint}`, devicesKept);
  }

  getChoice(key: string): Promise<unknown> {
    return this.#get(`choice:${key}`);
  }

  async putChoice(key: string, choice: Json): Promise<void> {
    // Of no use to this session, and large.
    await this.#update(`choice:${key}`, () => choice, false);
    await this.#tidy('choice:', `choice:${key}`, choicesKept);
  }

  async asOnlyTuner<T>(fingerprint: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#locks === undefined) return work();
    const progress = { started: false };
    try {
      return await this.#locks.request(`quern tuner ${fingerprint}`, signal === undefined ? {} : { signal }, () => {
        progress.started = true;
        return work();
      });
    } catch (error) {
      // Locks are refused to opaque origins. The work's own errors are its caller's.
      if (progress.started || !isNamed(error, 'SecurityError')) throw error;
      return work();
    }
  }

  notes(): string[] {
    return [...this.#notes];
  }

  async #get(key: string): Promise<unknown> {
    const store = this.#store;
    if (store !== undefined) {
      try {
        const value = open(await soon(store.get(key), this.#patience));
        if (value !== undefined) return value;
      } catch (error) {
        this.#lose(error);
      }
    }
    return open(await this.#session.get(key));
  }

  async #update(key: string, change: (old: unknown) => unknown, inSession = true): Promise<void> {
    const sealed = (old: unknown): unknown => seal(change(open(old)), Date.now());
    if (inSession) await this.#session.update(key, sealed);
    const store = this.#store;
    if (store === undefined) return;
    try {
      await soon(store.update(key, sealed), this.#patience);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Once a session for each kind: of entries of a kind, drops those that were written longest ago. */
  async #tidy(kind: string, current: string, most: number): Promise<void> {
    const store = this.#store;
    if (store === undefined || this.#tidied.has(kind)) return;
    this.#tidied.add(kind);
    try {
      const others = (await soon(store.entries(), this.#patience)).filter(([key]) => key.startsWith(kind) && key !== current);
      const old = others.sort((a, b) => writtenAt(b[1]) - writtenAt(a[1])).slice(most - 1);
      if (old.length > 0) await soon(store.remove(old.map(([key]) => key)), this.#patience);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** A full quota leaves reading in place; everything else ends the use of storage for this session. */
  #lose(error: unknown): void {
    if (isNamed(error, 'QuotaExceededError')) {
      this.#notes.add('the storage of this site is full: what was tuned is kept for this session only');
      return;
    }
    this.#store = undefined;
    const why = error instanceof Error ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}` : String(error);
    this.#notes.add(`storage cannot be used (${why}): what was tuned is kept for this session only`);
  }
}

/** DOMException is not everywhere an Error; its name tells all the same. */
const isNamed = (error: unknown, name: string): boolean =>
  typeof error === 'object' && error !== null && 'name' in error && error.name === name;

function valid(value: unknown, fingerprint: string): Records {
  const records = parseRecords(value);
  return records?.fingerprint === fingerprint ? records : noRecords(fingerprint);
}

function bounded(records: Records): Records {
  const all = Object.entries(records.entries);
  if (all.length <= recordsKept) return records;
  const age = ([, record]: readonly [string, TuneRecord]): number => record.at;
  return { ...records, entries: Object.fromEntries(all.sort((a, b) => age(b) - age(a)).slice(0, recordsKept)) };
}

function platformLocks(): Locks | undefined {
  if (typeof navigator === 'undefined' || !('locks' in navigator)) return undefined;
  const { locks } = navigator;
  return {
    request: <T>(name: string, options: { readonly signal?: AbortSignal }, work: () => Promise<T>) =>
      locks.request(name, options, work) as Promise<T>,
  };
}
