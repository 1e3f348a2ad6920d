/**
 * Text of expressions, for people (`inspect`, golden files, error messages) and for keys: equal text means equal expression. Shared
 * subexpressions are printed once per use; kernels are small enough.
 */
import type { BinaryOp, Expr } from './expr.ts';

const infix: Partial<Record<BinaryOp, string>> = {
  add: '+', sub: '-', mul: '*', div: '/', rem: '%', floordiv: '//', floormod: 'mod', and: '&', or: '|', xor: '^', shl: '<<', shr: '>>',
  eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=',
};

export function text(e: Expr): string {
  switch (e.op) {
    case 'const': return e.dtype === 'index' ? String(e.value) : `${e.dtype}(${Object.is(e.value, -0) ? '-0' : String(e.value)})`;
    case 'var': case 'sym': return e.name;
    case 'ref': return `%${e.name}`;
    case 'load': return `t${e.tensor}[${e.index.map(text).join(', ')}]`;
    case 'unary': return `${e.fn}(${text(e.a)})`;
    case 'binary': {
      const sign = infix[e.fn];
      return sign === undefined ? `${e.fn}(${text(e.a)}, ${text(e.b)})` : `(${text(e.a)} ${sign} ${text(e.b)})`;
    }
    case 'select': return `select(${text(e.cond)}, ${text(e.a)}, ${text(e.b)})`;
    case 'cast': return `${e.dtype}<-${e.a.dtype}(${text(e.a)})`;
    case 'bitcast': return `bits<${e.dtype}>(${text(e.a)})`;
    case 'muladd': return `muladd(${text(e.a)}, ${text(e.b)}, ${text(e.c)})`;
    default: return e satisfies never;
  }
}

/** A shape for people: `[1, 3, H, W]`. */
export const shapeText = (shape: readonly Expr[]): string => `[${shape.map(text).join(', ')}]`;
