/**
 * Which of the ways to compute a contraction can compute this one. Input: a kernel. Output: the best way that can, with what it needs to know, or
 * why better ones cannot.
 */
import { type Contraction, type Outline, analyse, isContraction, linearOf, outline } from '../../contraction.ts';
import { QuernError } from '../../error.ts';
import { type DType, bytesOf } from '../../expr/dtype.ts';
import { type Var, asInt, int } from '../../expr/expr.ts';
import { collect, isLoad } from '../../expr/visit.ts';
import { type ContractionBody, type Kernel, offsetOf } from '../../kernel.ts';
import { type Depthwise, depthwiseOf } from './contraction-depthwise.ts';
import { argOf } from './prepare.ts';
import { lanesOf } from './vector-ops.ts';
import { asWords } from './words.ts';

/** How a contraction can be computed, best first. A plain loop nest can do all of them. */
export type Method =
  /** `kernel`: of words, where operands are pairs of 16 bits. */
  | { readonly by: 'tiles'; readonly c: Contraction; readonly kernel?: Kernel }
  | { readonly by: 'depthwise'; readonly d: Depthwise }
  /** Tiles whose operands are computed step by step. */
  | { readonly by: 'general'; readonly c: Outline; readonly why: string }
  | { readonly by: 'nest'; readonly why: string };

/** Plan, space and emission ask in turn, and the answer takes as long as emitting many a kernel. */
const methods = new WeakMap<Kernel, Method>();

export function methodOf(kernel: Kernel): Method {
  const known = methods.get(kernel);
  if (known !== undefined) return known;
  const made = findMethod(kernel);
  methods.set(kernel, made);
  return made;
}

function findMethod(kernel: Kernel): Method {
  const { body } = kernel;
  if (body.kind !== 'contraction') throw new QuernError('internal', 'not a contraction', { got: body.kind });
  const words = asWords(kernel);
  if (words !== undefined) {
    const c = analyse(words.body, words.args);
    if (isContraction(c) && c.form === 'gemm' && notTiled(c, 'int32') === undefined) return { by: 'tiles', c, kernel: words };
  }
  const c = analyse(body, kernel.args);
  let why: string;
  if (!isContraction(c)) why = c.why;
  else if (c.form === 'depthwise') {
    const d = depthwiseOf(c);
    if (!('why' in d)) return { by: 'depthwise', d };
    why = d.why;
  } else {
    const not = notTiled(c, 'float32');
    if (not === undefined) return { by: 'tiles', c };
    why = not;
  }
  const o = outline(withColumns(body, kernel), kernel.args);
  const not = 'why' in o ? o.why : notGeneral(o);
  return 'why' in o || not !== undefined ? { by: 'nest', why: `${why}; ${not}` } : { by: 'general', c: o, why };
}

/** Why tiles cannot read a product's operands in place. */
function notTiled({ dtype, lhs, rhs, cols }: Contraction, of: DType): string | undefined {
  if (dtype !== of || lhs.dtype !== of || rhs.dtype !== of) return `sums of ${dtype} are not tiled`;
  if (cols === undefined || cols.width % 4 !== 0) return 'panels are no whole vectors';
  // One column: lanes beyond it take what stands there and are not stored. A 7x7 convolution of 32 channels to 1 runs 2.6 times
  // as fast as in the general form, the 1-channel ones of a pitch detector 3 to 4 times.
  if (asInt(cols.n.extent) !== 1 && asInt(rhs.linear?.coefs.get(cols.lane) ?? int(0)) !== 1) return 'columns of rhs are not neighbours';
  return undefined;
}

/** Why not even tiles of computed operands will do. */
function notGeneral({ dtype, cols, body }: Outline): string | undefined {
  if (lanesOf(dtype) === undefined || bytesOf(dtype) !== 4) return `${dtype} has no lanes`;
  if (cols === undefined) return 'there is no axis to run along';
  if (cols.width % 4 !== 0) return 'panels are no whole vectors';
  // Lanes beyond the last column compute on what lies there: harmless unless it becomes an index.
  const gathers = collect([body.lhs, body.rhs], isLoad).some((l) => collect(l.index, isLoad).length > 0);
  if (gathers && (asInt(cols.n.extent) ?? 1) % cols.width !== 0) return 'an operand is gathered';
  return undefined;
}

/** A body without columns with those rows or batch points as columns that are neighbours in the output. */
function withColumns(body: ContractionBody, kernel: Kernel): ContractionBody {
  if (body.cols.length > 0) return body;
  const offset = offsetOf(argOf(kernel.args, body.store.tensor), body.store.index);
  const along = [...body.rows, ...body.batch].find((v) => asInt(v.extent) !== 1 && asInt(linearOf(offset, [v])?.coefs.get(v) ?? int(0)) === 1);
  if (along === undefined) return body;
  const others = (axes: readonly Var[]): Var[] => axes.filter((v) => v !== along);
  return { ...body, batch: others(body.batch), rows: others(body.rows), cols: [along] };
}
