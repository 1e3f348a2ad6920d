import { describe, expect, it } from 'vitest';
import { PbfWriter } from 'pbf';
import { QuernError } from '../../jit/error.ts';
import { loadGraph } from './load-graph.ts';
import { decodeTensor } from './tensor-proto.ts';
import { type ModelLiteral, floats, ints, model, node, tensor } from './testing/build-model.ts';

const load = (bytes: Uint8Array) => loadGraph({ kind: 'bytes', bytes });
const streamed = (bytes: Uint8Array) => loadGraph({ kind: 'stream', stream: new Blob([bytes as Uint8Array<ArrayBuffer>]).stream() });
const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

const literal: ModelLiteral = {
  opset: { '': 17, local: 1 }, producer: 'test',
  inputs: { x: 'float32[N, 4]', c: 'bool[]' },
  outputs: { y: 'float32[N, 4]' },
  values: { h: 'float32[N, 4]' },
  initializers: { w: floats([4, 4], Array.from({ length: 16 }, (_, i) => i / 16)), s: ints(0, -1), q: tensor('float16', [3], [1, 2, 3]) },
  functions: [{ name: 'F', domain: 'local', inputs: ['a'], outputs: ['b'], nodes: [node('Relu', ['a'], 'b')] }],
  nodes: [
    node('MatMul', ['x', 'w'], 'h', {}, { name: 'mm' }),
    node('F', ['h'], 'r', {}, { domain: 'local' }),
    node('Constant', [], 'k', { value: floats([1], [2]) }),
    node('If', ['c'], 'i', {
      then_branch: { graph: { outputs: { t: '' }, nodes: [node('Mul', ['r', 'k'], 't')] } },
      else_branch: { graph: { outputs: { e: '' }, nodes: [node('Softmax', ['r'], 'e', { axis: -1 })] } },
    }),
    node('LayerNormalization', ['i', 'k'], 'y', { epsilon: 1e-5, axes: [-1], mode: 'linear' }),
  ],
};
const valid = model(literal);
// Above 16 KiB, so that the scanner descends to the payload.
const large = model({ ...literal, initializers: { ...literal.initializers, w: floats([4, 4096], new Array<number>(16384).fill(0.5)) } });

/** Numerical Recipes' linear congruential generator, for tests that must fail the same way twice. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function settles(bytes: Uint8Array, how: typeof load): Promise<'graph' | 'error'> {
  try {
    await how(bytes);
    return 'graph';
  } catch (error) {
    if (!(error instanceof QuernError)) throw new Error(`not a QuernError: ${String(error)}`, { cause: error });
    expect(error.code).not.toBe('internal');
    expect(error.code).not.toBe('out-of-memory');
    return 'error';
  }
}

describe('damaged files end in a graph or a QuernError', () => {
  it('cut off anywhere', async () => {
    for (let length = 0; length < valid.length; length++) {
      await settles(valid.subarray(0, length), load);
      if (length % 7 === 0) await settles(valid.subarray(0, length), streamed);
    }
    for (let length = 1; length < large.length; length = Math.ceil(length * 1.3)) {
      expect(await settles(large.subarray(0, length), load)).toBe('error');
      expect(await settles(large.subarray(0, length), streamed)).toBe('error');
    }
  });
  it.each([[valid, 'small', 6000], [large, 'large', 600]] as const)('with bytes changed', async (original, _, rounds) => {
    const next = random(20261120);
    const seen = { graph: 0, error: 0 };
    for (let round = 0; round < rounds; round++) {
      const bytes = original.slice();
      // Weights make up most of the large file; damage is wanted in the structure around them.
      const place = (): number =>
        next(2) === 0 ? next(Math.min(bytes.length, 900)) : bytes.length - 1 - next(Math.min(bytes.length, 400));
      for (let n = next(3) + 1; n > 0; n--) bytes[place()] = next(4) === 0 ? 0xff : next(256);
      seen[await settles(bytes, round % 5 === 0 ? streamed : load)]++;
    }
    expect(seen.graph).toBeGreaterThan(0);
    expect(seen.error).toBeGreaterThan(0);
  });
  it('with bytes removed or inserted', async () => {
    const next = random(7);
    for (let round = 0; round < 2000; round++) {
      const at = next(valid.length);
      const cut = next(2) === 0 ? next(9) : 0;
      const extra = cut === 0 ? Uint8Array.from({ length: next(9) }, () => next(256)) : new Uint8Array(0);
      await settles(Uint8Array.from([...valid.subarray(0, at), ...extra, ...valid.subarray(at + cut)]), load);
    }
  });
  it('of noise', async () => {
    const next = random(3);
    for (let round = 0; round < 500; round++) {
      expect(await settles(Uint8Array.from({ length: next(400) }, () => next(256)), load)).toBe('error');
    }
  });
});

/** A model whose graph holds the given bytes. */
function withGraph(write: (pbf: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 8);
  pbf.writeMessage(7, (_, w) => { write(w); }, undefined);
  return pbf.finish().slice();
}
const withTensor = (write: (pbf: PbfWriter) => void): Uint8Array => withGraph((g) => { g.writeMessage(5, (_, w) => { write(w); }, undefined); });

describe('what is wrong is said, and where', () => {
  const says = async (bytes: Uint8Array, text: string | RegExp): Promise<void> => {
    await expect(load(bytes)).rejects.toThrow(text);
    await expect(load(bytes)).rejects.toMatchObject({ code: 'invalid-model' });
  };
  it('nothing', () => says(new Uint8Array(0), /this is no ONNX model\n.*\n {2}got: no bytes at all/));
  it('HTML', () => says(latin('<!DOCTYPE html><title>404</title>'), /got: HTML or XML\n {2}hint: the server may have answered with an error page/));
  it('a zip archive', () => says(latin('PK\x03\x04 and so on'), 'got: a zip archive'));
  it('gzip', () => says(latin('\x1f\x8b\x08\x00'), 'Content-Encoding: gzip'));
  it('safetensors', () => says(latin('\x40\x02\0\0\0\0\0\0{"__metadata__":{}}'), 'got: safetensors'));
  it('a Git LFS pointer', () => says(latin('version https://git-lfs.github.com/spec/v1\n'), 'got: a Git LFS pointer'));
  it('a model without a graph', () => says(Uint8Array.of(8, 8), 'the model has no graph (at model, byte 0)'));
  it('a length that runs over, with its offset', async () => {
    // The first node starts at byte 13 or so; its length byte becomes 127.
    const bytes = model({ inputs: { x: 'float32[1]' }, outputs: { y: 'float32[1]' }, nodes: [node('Relu', ['x'], 'y')] });
    const at = bytes.indexOf(0x0a, 4);
    bytes[at + 1] = 0x7f;
    await says(bytes, new RegExp(`a length runs past the end of its message \\(at model\\.graph\\.node\\[0\\], byte ${at}\\)`));
  });
  it('a length of 2^62 bytes, without allocating', () => says(Uint8Array.of(8, 8, 0x3a, ...new Array<number>(8).fill(0xff), 0x3f), 'a length runs past the end of its file'));
  it('a varint of eleven bytes', () => says(Uint8Array.of(8, ...new Array<number>(10).fill(0x80), 1), 'a varint is longer than ten bytes (at model, byte 0)'));
  it('dims without data', () =>
    says(withTensor((w) => { w.writePackedVarint(1, [1 << 20, 1 << 10]); w.writeVarintField(2, 1); w.writeStringField(8, 'w'); }),
      /the values of tensor 'w' are not as many as its dims say.*\n {2}expected: 4294967296 bytes \(float32\[1048576, 1024\]\)\n {2}got: 0 bytes/));
  it('more elements than can be counted', () =>
    says(withTensor((w) => { w.writePackedVarint(1, [2 ** 40, 2 ** 40]); w.writeVarintField(2, 1); w.writeBytesField(9, new Uint8Array(4)); }), 'more elements than can be counted'));
  it('a negative dim', () =>
    says(withTensor((w) => { w.writeVarintField(1, -2); w.writeVarintField(2, 1); w.writeStringField(8, 'w'); }), /tensor 'w' has a negative dim \(at model\.graph\.initializer\[0\]/));
  it('raw_data of the wrong length', () =>
    says(withTensor((w) => { w.writePackedVarint(1, [3]); w.writeVarintField(2, 7); w.writeBytesField(9, new Uint8Array(20)); w.writeStringField(8, 'w'); }),
      /the raw_data of tensor 'w' has the wrong length.*\n {2}expected: 24 bytes \(int64\[3\]\)\n {2}got: 20 bytes/));
  it('a data type that does not exist', () => says(withTensor((w) => { w.writeVarintField(2, 99); }), 'got: data_type 99'));
  it('a group', () => says(withGraph((w) => { w.writeTag(3, 3); }), /wire type that protobuf 3 does not use/));
  it('a string where a number belongs', () => says(withTensor((w) => { w.writeStringField(2, 'one'); }), /initializer\[0\]\.data_type, byte \d+\)\n {2}expected: a varint\n {2}got: a length-delimited value/));
  it('messages without end', async () => {
    let bytes = new Uint8Array(0);
    for (let depth = 0; depth < 400; depth++) {
      const pbf = new PbfWriter();
      // node { op_type: 'If', attribute { name: 'b', g { ... } } }
      pbf.writeMessage(1, (_, n) => {
        n.writeStringField(4, 'If');
        n.writeMessage(5, (__, a) => { a.writeStringField(1, 'b'); a.writeBytesField(6, bytes); }, undefined);
      }, undefined);
      bytes = pbf.finish().slice();
    }
    const pbf = new PbfWriter();
    pbf.writeBytesField(7, bytes);
    await says(pbf.finish(), 'messages nest deeper than 100 levels');
  });
  it('nested messages too large for memory at once', async () => {
    let bytes = new Uint8Array(20000);
    for (let depth = 0; depth < 200; depth++) {
      const pbf = new PbfWriter();
      pbf.writeBytesField([6, 1, 5][depth % 3] ?? 1, bytes);
      bytes = pbf.finish().slice();
    }
    const pbf = new PbfWriter();
    pbf.writeBytesField(7, bytes);
    await expect(load(pbf.finish())).rejects.toBeInstanceOf(QuernError);
  });
});

describe('a TensorProto file', () => {
  it('of noise is refused', () => expect(() => decodeTensor(latin('hello, tensor'))).toThrow(QuernError));
  it('cut off is refused', () => expect(() => decodeTensor(Uint8Array.of(8, 3, 16, 1, 0x4a, 12, 0, 0))).toThrow('a length runs past the end of its message (at tensor.raw_data, byte 4)'));
});
