/**
 * Expressions as data, for plans that are kept: one row for each distinct node, which names its operands by their rows. What was canonical when
 * it was written is so when it is read: nodes are put together as they stand, without the algebra that once made them.
 */
import { type ScalarType, isBig, scalarTypes } from '../../jit/expr/dtype.ts';
import {
  type BinaryOp, type Expr, type UnaryOp, binaryOps, bitcast, cast, constant, load, muladd, rawBinary, ref, select, symbol, unary, unaryOps, variable,
} from '../../jit/expr/expr.ts';
import { type Codec, anything, list, number, oneOf, require, table, text } from '../cache/codec.ts';
import type { Json } from '../cache/entry.ts';

const scalar = oneOf<ScalarType>(scalarTypes);
const unaryOp = oneOf<UnaryOp>(unaryOps);
const binaryOp = oneOf<BinaryOp>(binaryOps);

export const expressionTable = (rows?: Json[]): Codec<Expr> & { readonly rows: readonly Json[] } => table<Expr>((self) => {
  const many = list(self);
  return {
    write(e) {
      switch (e.op) {
        // JSON knows no big integers, no infinities and no -0.
        case 'const': return [e.op, e.dtype, Object.is(e.value, -0) ? '-0' : String(e.value)];
        case 'var': return [e.op, e.name, self.write(e.extent)];
        case 'sym': return [e.op, e.name, e.min];
        case 'ref': return [e.op, e.dtype, e.name];
        case 'load': return [e.op, e.dtype, e.tensor, many.write(e.index)];
        case 'unary': return [e.op, e.fn, self.write(e.a)];
        case 'binary': return [e.op, e.fn, self.write(e.a), self.write(e.b)];
        case 'select': return [e.op, self.write(e.cond), self.write(e.a), self.write(e.b)];
        case 'cast': case 'bitcast': return [e.op, e.dtype, self.write(e.a)];
        case 'muladd': return [e.op, self.write(e.a), self.write(e.b), self.write(e.c)];
        default: return e satisfies never;
      }
    },
    read(data) {
      const [op = null, x = null, y = null, z = null] = list(anything).read(data);
      switch (op as Expr['op']) {
        case 'const': {
          const dtype = scalar.read(x);
          return constant(isBig(dtype) ? BigInt(text.read(y)) : Number(y), dtype);
        }
        case 'var': return variable(text.read(x), self.read(y));
        case 'sym': return symbol(text.read(x), number.read(y));
        case 'ref': return ref(text.read(y), scalar.read(x));
        case 'load': {
          const dtype = scalar.read(x);
          require(dtype !== 'index');
          return load(number.read(y), dtype, many.read(z));
        }
        case 'unary': return unary(unaryOp.read(x), self.read(y));
        case 'binary': {
          const [a, b] = [self.read(y), self.read(z)];
          require(a.dtype === b.dtype);
          return rawBinary(binaryOp.read(x), a, b);
        }
        case 'select': return select(self.read(x), self.read(y), self.read(z));
        case 'cast': return cast(self.read(y), scalar.read(x));
        case 'bitcast': return bitcast(self.read(y), scalar.read(x));
        case 'muladd': return muladd(self.read(x), self.read(y), self.read(z));
        default: return require(false) as never;
      }
    },
  };
}, rows);
