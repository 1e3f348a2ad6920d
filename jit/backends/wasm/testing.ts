/**
 * For tests only: runs the code of one kernel on plain buffers, as one call or split into several, with arguments at addresses that are
 * not rounder than 64 bytes.
 */
import { evaluate } from '../../expr/visit.ts';
import type { WasmCode } from './emitter.ts';
import { mathFunctions } from './math.ts';
import { zeroBytes } from './zero-page.ts';

export interface Ran {
  readonly outputs: Uint8Array[];
  readonly units: number;
}

/** Runs `code`; the buffers are copied in and the results copied out. `cuts`: run the units in that many calls, last first. */
export function runCode(code: WasmCode, dims: readonly number[], buffers: readonly Uint8Array[], cuts = 1): Ran {
  const addresses: number[] = [];
  let top = zeroBytes + 4096;
  for (const buffer of buffers) {
    addresses.push(top);
    top = Math.ceil((top + buffer.byteLength + 64) / 64) * 64;
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil((top + 65536) / 65536), maximum: 4096, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(0xa5, zeroBytes);
  const at = zeroBytes + 1024;
  buffers.forEach((buffer, i) => bytes.set(buffer, addresses[i] ?? 0));
  const params = new Int32Array(memory.buffer, at, addresses.length + dims.length);
  params.set([...addresses, ...dims]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory, scratch: zeroBytes + 2048 }, math: mathFunctions });
  const run = instance.exports['run'] as (params: number, begin: number, end: number) => void;
  const values = new Map(code.kernel.syms.map((s, i) => [s, dims[i] ?? 0]));
  const units = evaluate(code.units, values);
  const edges = Array.from({ length: cuts + 1 }, (_, i) => Math.floor((units * i) / cuts));
  for (let i = cuts - 1; i >= 0; i--) if (edges[i] !== edges[i + 1]) run(at, edges[i] ?? 0, edges[i + 1] ?? 0);
  return { outputs: buffers.map((buffer, i) => bytes.slice(addresses[i] ?? 0, (addresses[i] ?? 0) + buffer.byteLength)), units };
}

/** Numbers that look random, from a seed: the same on every machine (a 32-bit xorshift). */
export function randoms(seed: number, count: number, low = -2, high = 2): Float32Array {
  let state = seed * 2654435761 || 1;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return low + ((state >>> 0) / 2 ** 32) * (high - low);
  });
}

