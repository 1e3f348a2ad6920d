/**
 * What the dims of feeds say. In: a plan and the feeds of a run. Out: the values of its inputs' symbols, or `invalid-input`; and whether what the
 * program was made for holds with them.
 */
import { QuernError } from '../../jit/error.ts';
import { type Expr } from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { collect, evaluate, isSym } from '../../jit/expr/visit.ts';
import type { Guard } from '../graph/program.ts';
import { type Plan, tensor } from '../plan/plan.ts';
import type { RunRequest } from './model.ts';

/** Throws if the dims known so far break something that the program was made for. */
export function checkGuards(guards: readonly Guard[], env: ReadonlyMap<Expr, number>): void {
  for (const { holds, what, origin, fault } of guards) {
    const symbols = collect([holds], isSym);
    if (!symbols.every((s) => env.has(s)) || evaluate(holds, env) !== 0) continue;
    const dims = symbols.map((s) => `${s.name} = ${env.get(s) ?? '?'}`).join(', ');
    const message = fault === undefined ? `the model was compiled for inputs where ${what}` : what;
    throw new QuernError(fault ?? 'unsupported-model', message, { ...origin, expected: text(holds), got: dims });
  }
}

/** Values of the inputs' symbols from the feeds' dims. */
export function matchFeeds(plan: Plan, feeds: RunRequest['feeds']): Map<Expr, number> {
  const names = plan.inputs.map((i) => i.name);
  for (const name of Object.keys(feeds)) {
    if (!names.includes(name)) {
      throw new QuernError('invalid-input', `the model has no input '${name}'`, { expected: names.join(', '), got: name });
    }
  }
  const env = new Map<Expr, number>();
  const open: { name: string; dim: Expr; got: number; shape: () => string }[] = [];
  for (const { name, tensor: id } of plan.inputs) {
    const feed = feeds[name];
    if (feed === undefined) {
      throw new QuernError('invalid-input', `input '${name}' was not fed`, { expected: names.join(', '), got: Object.keys(feeds).join(', ') || 'nothing' });
    }
    const { dtype, shape } = tensor(plan, id);
    if (feed.dtype !== dtype) {
      throw new QuernError('invalid-input', `input '${name}' has the wrong type`, { expected: dtype, got: feed.dtype });
    }
    const wanted = (): string => `[${shape.map(text).join(', ')}]`;
    if (feed.dims.length !== shape.length) {
      throw new QuernError('invalid-input', `input '${name}' has the wrong rank`, { expected: wanted(), got: `[${feed.dims.join(', ')}]` });
    }
    shape.forEach((dim, d) => {
      const got = feed.dims[d] ?? 0;
      if (dim.op === 'sym' && !env.has(dim)) env.set(dim, got);
      else open.push({ name, dim, got, shape: wanted });
    });
  }
  for (const { name, dim, got, shape } of open) {
    const expected = evaluate(dim, env);
    if (expected === got) continue;
    const because = dim.op === 'const' ? '' : ` with ${text(dim)} = ${expected}`;
    const dims = feeds[name]?.dims.join(', ') ?? '';
    throw new QuernError('invalid-input', `input '${name}' has the wrong shape`, { expected: `${shape()}${because}`, got: `[${dims}]` });
  }
  for (const [symbol, value] of env) {
    if (symbol.op === 'sym' && value < symbol.min) {
      throw new QuernError('invalid-input', `dim '${symbol.name}' is too small`, { expected: `at least ${symbol.min}`, got: String(value) });
    }
  }
  return env;
}
