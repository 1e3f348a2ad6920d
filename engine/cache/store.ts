/**
 * Where entries live: IndexedDB through idb-keyval, or a Map. One database of one store (idb-keyval allows no more); `update` is one
 * transaction, so two tabs never lose each other's changes. Errors come out as the platform throws them: cache.ts decides what they mean.
 */
import * as idb from 'idb-keyval';

export interface Store {
  get(key: string): Promise<unknown>;
  /** Replaces a value by a function of it, atomically. */
  update(key: string, change: (old: unknown) => unknown): Promise<void>;
  entries(): Promise<(readonly [string, unknown])[]>;
  remove(keys: readonly string[]): Promise<void>;
}

export function memoryStore(map = new Map<string, unknown>()): Store {
  return {
    get: (key) => Promise.resolve(map.get(key)),
    update: (key, change) => {
      map.set(key, change(map.get(key)));
      return Promise.resolve();
    },
    entries: () => Promise.resolve([...map]),
    remove: (keys) => {
      for (const key of keys) map.delete(key);
      return Promise.resolve();
    },
  };
}

/** Throws where there is no IndexedDB; opening it may still fail later, in an opaque origin with a SecurityError. */
export function indexedDbStore(database: string): Store {
  if (typeof indexedDB === 'undefined') throw new Error('there is no IndexedDB here');
  const store = idb.createStore(database, 'entries');
  return {
    get: (key) => idb.get<unknown>(key, store),
    update: (key, change) => idb.update<unknown>(key, change, store),
    entries: async () => {
      const all = await idb.entries<IDBValidKey, unknown>(store);
      return all.flatMap(([key, value]) => (typeof key === 'string' ? [[key, value] as const] : []));
    },
    remove: (keys) => idb.delMany([...keys], store),
  };
}
