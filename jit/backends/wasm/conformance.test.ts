/**
 * The conformance suite on one thread under Node, in both numeric classes.
 */
import { setFlagsFromString } from 'node:v8';
import { conformance } from '../conformance.ts';
import { createWasmDevice } from './device.ts';

// Node's V8 has relaxed SIMD behind this flag; browsers have it.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const known = { panel: 8, peakFlops: 0, peakBytes: 0 };
conformance('wasm, mul+add', () => createWasmDevice({ threads: 1, maxBytes: 2 ** 28, fma: false, known }));
conformance('wasm, fused', () => createWasmDevice({ threads: 1, maxBytes: 2 ** 28, fma: true, known }));
