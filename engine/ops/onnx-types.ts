/** Element types in attributes such as Cast's `to`. */
import type { DType } from '../../jit/expr/dtype.ts';
import { onnxType } from '../load/onnx-types.ts';
import type { Lowering } from './operator.ts';

/** The type behind an attribute's code; `unsupported-dtype` for those that are not computed with (strings, complex, 4 and 8-bit floats). */
export function typeAttribute(build: Lowering, name: string, otherwise?: DType): DType {
  if (otherwise !== undefined && !build.attributes.has(name)) return otherwise;
  const code = build.attributes.int(name);
  const type = onnxType(code);
  if (type?.dtype !== undefined && type.narrow === undefined) return type.dtype;
  return build.fail('unsupported-dtype', `attribute '${name}' asks for a type that Quern does not compute`, { got: type?.name ?? `TensorProto type ${code}` });
}
