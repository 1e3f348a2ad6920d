/** Element types in attributes such as Cast's `to`. */
import { type DType, bytesOf, isSigned } from '../../jit/expr/dtype.ts';
import type { Narrow } from '../graph/graph.ts';
import { onnxType } from '../load/onnx-types.ts';
import type { Lowering } from './operator.ts';

export interface ElementType {
  readonly dtype: DType;
  readonly narrow?: Narrow | undefined;
}

/** The type behind an attribute's code; `unsupported-dtype` for those that are not computed with (strings, complex, small floats). */
export function typeAttribute(build: Lowering, name: string, otherwise?: ElementType): ElementType {
  if (otherwise !== undefined && !build.attributes.has(name)) return otherwise;
  const code = build.attributes.int(name);
  const type = onnxType(code);
  if (type?.dtype !== undefined) return { dtype: type.dtype, ...(type.narrow === undefined ? {} : { narrow: type.narrow }) };
  return build.fail('unsupported-dtype', `attribute '${name}' asks for a type that Quern does not compute`, { got: type?.name ?? `TensorProto type ${code}` });
}

/** Least and greatest value of an integer type. */
export function rangeOf({ dtype, narrow }: ElementType): readonly [number, number] {
  const bits = narrow === undefined ? bytesOf(dtype) * 8 : 4;
  return isSigned(dtype) ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}
