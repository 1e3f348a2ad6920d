/** Where model files are kept, for tests: in memory, with a limit, and locked at will. */
import type { Folder, Handle } from '../kept-files.ts';

/** Files in memory; `room` is what they may hold together, `locked` refuses to open. */
export class MemoryFolder implements Folder {
  readonly files = new Map<string, { bytes: Uint8Array<ArrayBuffer>; modified: number }>();
  limit = Infinity;
  locked = false;
  #clock = 0;

  open(name: string): Promise<Handle> {
    if (this.locked) return Promise.reject(new Error('NoModificationAllowedError'));
    const file = this.files.get(name) ?? { bytes: new Uint8Array(0), modified: 0 };
    this.files.set(name, file);
    const resize = (size: number): void => {
      const bytes = new Uint8Array(size);
      bytes.set(file.bytes.subarray(0, size));
      file.bytes = bytes;
    };
    let open = true;
    return Promise.resolve({
      read: (into, { at }) => {
        const part = file.bytes.subarray(at, at + into.length);
        into.set(part);
        return part.length;
      },
      write: (bytes, { at }) => {
        if (!open) throw new Error('InvalidStateError');
        if (at + bytes.length > file.bytes.length) resize(at + bytes.length);
        file.bytes.set(bytes, at);
        file.modified = ++this.#clock;
        return bytes.length;
      },
      truncate: resize, close: () => { open = false; },
    });
  }
  remove(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }
  list(): ReturnType<Folder['list']> {
    return Promise.resolve([...this.files].map(([name, { bytes, modified }]) => ({ name, bytes: bytes.length, modified })));
  }
  room(): Promise<number> {
    return Promise.resolve(this.limit - [...this.files.values()].reduce((n, { bytes }) => n + bytes.length, 0));
  }
}
