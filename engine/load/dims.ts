/**
 * Symbolic dims of a model's inputs as index expressions. A named dim is a symbol of that name; a dim without a size and a name becomes
 * INPUT_AXIS. Exporters also write formulas into names ("past_sequence_length + sequence_length"): where all its names are dims of other
 * inputs, the formula is what the dim is. Symbols are at least 1, so that addresses such as S - 1 simplify, but those that only inputs
 * like a KV cache carry may be 0: the first step of a decode loop feeds an empty cache.
 */
import { type Expr, type Sym, add, floordiv, int, mul, sub, symbol } from '../../jit/expr/expr.ts';
import type { ValueInfoProto } from './proto.ts';

/** Inputs and dims that may be empty at first. */
const mayBeEmpty = /past|cache|history|memor|\bkv\b|_kv|state/i;

/** The dims of the inputs that take a feed, in a form that turns any dim of the model into an expression. */
export class Dims {
  readonly #symbols = new Map<string, Sym>();

  constructor(inputs: readonly ValueInfoProto[]) {
    const least = new Map<string, 0 | 1>();
    for (const { name, type } of inputs) {
      if (type?.kind !== 'tensor') continue;
      for (const dim of type.dims ?? []) {
        if (typeof dim === 'number' || dim === '') continue;
        const empty = mayBeEmpty.test(name) || mayBeEmpty.test(dim);
        if (!empty || !least.has(dim)) least.set(dim, empty ? 0 : 1);
      }
    }
    const names = new Set(least.keys());
    for (const [name, min] of least) {
      const parts = formula(name, (part) => (part !== name && names.has(part) ? int(1) : undefined));
      if (parts === undefined) this.#symbols.set(name, symbol(name, min));
    }
  }

  /** The expression of dim `axis` of value `owner`. Negative sizes, which old exporters write for "any", count as unknown. */
  expr(dim: number | string, owner: string, axis: number): Expr {
    if (typeof dim === 'number' && dim >= 0) return int(dim);
    if (typeof dim === 'string' && dim !== '') {
      const known = this.#symbols.get(dim) ?? formula(dim, (name) => this.#symbols.get(name));
      return known ?? this.#fresh(dim, dim);
    }
    return this.#fresh(`${owner}_${axis}`, undefined);
  }

  #fresh(stem: string, owned: string | undefined): Sym {
    let name = stem;
    while (name !== owned && this.#symbols.has(name)) name += '_';
    const made = symbol(name, mayBeEmpty.test(name) ? 0 : 1);
    this.#symbols.set(name, made);
    return made;
  }
}

/**
 * Parses sums, differences, products and (floor) quotients of names and whole numbers; undefined if the text is something else, a bare
 * name, or has a name that `lookup` does not know.
 */
function formula(text: string, lookup: (name: string) => Expr | undefined): Expr | undefined {
  const tokens = text.match(/[A-Za-z_][\w.]*|\d+|\/\/|[-+*/()]/g) ?? [];
  if (tokens.length < 2 || tokens.length > 64 || tokens.join('') !== text.replace(/\s+/g, '')) return undefined;
  let at = 0;
  const atom = (): Expr | undefined => {
    const token = tokens[at++];
    if (token === undefined) return undefined;
    if (token === '(') {
      const inner = sum();
      return tokens[at++] === ')' ? inner : undefined;
    }
    return /^\d/.test(token) ? int(Number(token)) : /^\w/.test(token) ? lookup(token) : undefined;
  };
  const chain = (next: () => Expr | undefined, ops: ReadonlyMap<string, (a: Expr, b: Expr) => Expr>) => (): Expr | undefined => {
    let left = next();
    for (let op = ops.get(tokens[at] ?? ''); left !== undefined && op !== undefined; op = ops.get(tokens[at] ?? '')) {
      at++;
      const right = next();
      if (right === undefined || (op === floordiv && right.op === 'const' && right.value === 0)) return undefined;
      left = op(left, right);
    }
    return left;
  };
  const term = chain(atom, new Map([['*', mul], ['/', floordiv], ['//', floordiv]]));
  const sum = chain(term, new Map([['+', add], ['-', sub]]));
  const result = sum();
  return at === tokens.length ? result : undefined;
}
