/**
 * Compares a tensor with the stored one: dtype and dims exactly, elements within |a - b| <= atol + rtol * |b| or, where a model says so,
 * the relative L2 norm of the whole tensor or the largest difference. NaN equals NaN and an infinity only itself. Integers compare as
 * exact differences (64-bit ones through BigInt), so two large int64 that differ by one do differ.
 */
import { fromHalf, isBig, type DType, type TypedArray } from '../../jit/expr/dtype.ts';
import type { Tolerance } from '../protocol.ts';

export interface HostTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

export interface Comparison {
  readonly ok: boolean;
  readonly maxAbs: number;
  readonly maxRel: number;
  /** ||a - b|| / ||b|| over finite elements. */
  readonly relL2: number;
  /** What is wrong; empty if nothing. */
  readonly message: string;
}

/** The tolerance of the ONNX backend tests for a dtype, with what the user says in place of its parts. */
export function elementTolerance(dtype: DType, rtol: number | undefined, atol: number | undefined): Tolerance {
  const half = dtype === 'float16';
  return { kind: 'elements', rtol: rtol ?? (half ? 1e-2 : 1e-3), atol: atol ?? (half ? 1e-3 : 1e-5) };
}

export function compare(name: string, actual: HostTensor, expected: HostTensor, tolerance: Tolerance): Comparison {
  const shapeOf = (t: HostTensor): string => `${t.dtype}[${t.dims.join(', ')}]`;
  if (actual.dtype !== expected.dtype || actual.dims.join() !== expected.dims.join()) {
    return { ok: false, maxAbs: NaN, maxRel: NaN, relL2: NaN, message: `${name}: expected ${shapeOf(expected)}, got ${shapeOf(actual)}` };
  }
  if (actual.data.length !== expected.data.length) {
    const message = `${name}: expected ${String(expected.data.length)} elements, got ${String(actual.data.length)}`;
    return { ok: false, maxAbs: NaN, maxRel: NaN, relL2: NaN, message };
  }
  const differenceAt = differences(actual, expected);
  let [maxAbs, maxRel, squares, norm, wrong, worst, worstExcess, nonFinite] = [0, 0, 0, 0, 0, -1, 0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    const { difference, reference } = differenceAt(i);
    if (difference === 0) {
      if (Number.isFinite(reference)) norm += reference * reference;
      continue;
    }
    const magnitude = Math.abs(reference);
    if (Number.isFinite(difference)) {
      maxAbs = Math.max(maxAbs, difference);
      if (magnitude > 0) maxRel = Math.max(maxRel, difference / magnitude);
      squares += difference * difference;
      norm += magnitude * magnitude;
    } else {
      nonFinite += 1;
      maxAbs = Infinity;
    }
    const limit = tolerance.kind === 'elements' ? tolerance.atol + tolerance.rtol * magnitude : tolerance.kind === 'maxAbs' ? tolerance.limit : 0;
    const excess = Number.isFinite(difference) ? difference - limit : Infinity;
    if (excess > 0) wrong += 1;
    if (excess > worstExcess || worst === -1) [worst, worstExcess] = [i, excess];
  }
  const relL2 = norm > 0 ? Math.sqrt(squares / norm) : Math.sqrt(squares);
  const ok = tolerance.kind === 'relL2' ? nonFinite === 0 && relL2 <= tolerance.limit : wrong === 0;
  if (ok) return { ok, maxAbs, maxRel, relL2, message: '' };
  const place = `worst at [${indexOf(worst, expected.dims).join(', ')}]: expected ${show(expected, worst)}, got ${show(actual, worst)}`;
  const message =
    tolerance.kind === 'relL2'
      ? `${name}: relative L2 ${relL2.toExponential(2)} above ${String(tolerance.limit)}${nonFinite > 0 ? `, ${String(nonFinite)} not finite` : ''}; ${place}`
      : `${name}: ${String(wrong)} of ${String(expected.data.length)} elements out of tolerance; ${place}`;
  return { ok, maxAbs, maxRel, relL2, message };
}

/** |a - b| and b at an index; equal non-finite values differ by 0, unequal ones by Infinity. */
function differences(actual: HostTensor, expected: HostTensor): (i: number) => { difference: number; reference: number } {
  if (isBig(expected.dtype)) {
    return (i) => {
      const [a, b] = [BigInt(actual.data[i] ?? 0), BigInt(expected.data[i] ?? 0)];
      return { difference: Number(a > b ? a - b : b - a), reference: Number(b) };
    };
  }
  return (i) => {
    const [a, b] = [valueAt(actual, i), valueAt(expected, i)];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return { difference: 0, reference: b };
    const difference = Math.abs(a - b);
    return { difference: Number.isNaN(difference) ? Infinity : difference, reference: b };
  };
}

/** The element as a number; float16 decoded from its bits. */
export function valueAt(tensor: HostTensor, i: number): number {
  const raw = tensor.data[i] ?? NaN;
  return tensor.dtype === 'float16' ? fromHalf(Number(raw)) : Number(raw);
}

function show(tensor: HostTensor, i: number): string {
  if (isBig(tensor.dtype)) return String(tensor.data[i]);
  const value = valueAt(tensor, i);
  return Number.isInteger(value) ? String(value) : value.toPrecision(7);
}

function indexOf(flat: number, dims: readonly number[]): number[] {
  const index: number[] = [];
  for (const dim of [...dims].reverse()) {
    index.unshift(flat % dim);
    flat = Math.floor(flat / dim);
  }
  return index;
}
