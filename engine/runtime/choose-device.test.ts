/** What is said of models that cannot fit, before their weights are downloaded. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCache } from '../cache/cache.ts';
import { resolveOptions } from '../options.ts';
import { chooseDevice } from './choose-device.ts';

const choose = (options: Record<string, unknown>, weightBytes: number) =>
  chooseDevice(resolveOptions({ cache: false, threads: 1, ...options }), weightBytes, openCache({ enabled: false }));

describe('a model that is too large', () => {
  afterEach(() => { vi.unstubAllGlobals(); });

  it('for option maxBytes', () =>
    expect(choose({ device: 'wasm', maxBytes: 1000 }, 1001)).rejects.toMatchObject({
      code: 'model-too-large', expected: 'at most 1000 bytes (option maxBytes)', got: '1001 bytes',
    }));

  it.each(['wasm', 'auto'])('for 4 GiB of WebAssembly memory, with device %s', (device) => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 1, userAgent: '' });
    return expect(choose({ device }, 2 ** 32)).rejects.toMatchObject({
      code: 'model-too-large', expected: 'at most 4294836224 bytes (4 GiB of WebAssembly memory)', got: '4294967296 bytes',
      hint: 'weights of fewer bits, or a GPU',
    });
  });
});
