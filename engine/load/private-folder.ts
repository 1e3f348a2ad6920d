/** The folder of kept model files in the origin's private file system. */
import type { Folder, Handle } from './kept-files.ts';

interface PrivateFile {
  createSyncAccessHandle?(): Promise<Handle>;
  getFile(): Promise<File>;
}

interface PrivateDirectory {
  getDirectoryHandle(name: string, options: { readonly create: boolean }): Promise<PrivateDirectory>;
  getFileHandle(name: string, options: { readonly create: boolean }): Promise<PrivateFile>;
  removeEntry(name: string): Promise<void>;
  entries(): AsyncIterable<readonly [string, PrivateFile]>;
}

/**
 * Handles that have not answered yet. Chromium 156 collects one that nothing else refers to although an answer is awaited, which then never
 * comes: of 400 sessions on a busy machine 6 waited for ever to be disposed of.
 */
const asked = new Set<object>();

async function ask<T>(handle: object, call: () => Promise<T>): Promise<T> {
  asked.add(handle);
  try {
    return await call();
  } finally {
    asked.delete(handle);
  }
}

/** Undefined where there is no private file system: outside of workers, in insecure contexts, in old browsers. */
export function privateFolder(): Folder | undefined {
  const storage = (globalThis as { readonly navigator?: Partial<Navigator> }).navigator?.storage;
  const files = (globalThis as { readonly FileSystemFileHandle?: { readonly prototype: object } }).FileSystemFileHandle;
  if (storage === undefined || !('getDirectory' in storage) || files === undefined || !('createSyncAccessHandle' in files.prototype)) return undefined;
  let made: Promise<PrivateDirectory> | undefined;
  const folder = (): Promise<PrivateDirectory> =>
    (made ??= (storage.getDirectory() as unknown as Promise<PrivateDirectory>)
      .then((root) => ask(root, () => root.getDirectoryHandle('quern', { create: true }))));
  return {
    async open(name) {
      const file = await (await folder()).getFileHandle(name, { create: true });
      return ask(file, () => {
        if (file.createSyncAccessHandle === undefined) throw new Error('no synchronous access');
        return file.createSyncAccessHandle();
      });
    },
    remove: async (name) => (await folder()).removeEntry(name),
    async list() {
      const all: { name: string; bytes: number; modified: number }[] = [];
      for await (const [name, file] of (await folder()).entries()) {
        const { size, lastModified } = await ask(file, () => file.getFile());
        all.push({ name, bytes: size, modified: lastModified });
      }
      return all;
    },
    async room() {
      const { quota = 0, usage = 0 } = await storage.estimate();
      return quota - usage;
    },
  };
}
