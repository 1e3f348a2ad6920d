import { describe, expect, it } from 'vitest';
import { type Expr, type Var, add, cast, div, floordiv, floormod, int, load, lt, mul, select, sub, symbol, unary, variable } from '../../expr/expr.ts';
import { type Frame, buildModule } from './emitter.ts';
import { addressOf } from './scalar.ts';
import type { Scope } from './scope.ts';

const n = symbol('s0', 1);
const [i, j] = [variable('i', n), variable('j', 100)];

/** The listing of code that computes `e` for all i and j and stores it at j. */
function code(e: Expr, loops: readonly Var[] = [i, j]): string {
  const roots = [e];
  const { module } = buildModule({ name: 't', args: 2, syms: [n], numeric: { fma: false, precision: 'exact' }, roots, written: new Set([1]) }, (frame) => {
    frame.scalar.prepare(roots);
    nest(frame, frame.root, loops, e);
  });
  return module.listing();
}

function nest(frame: Frame, scope: Scope, loops: readonly Var[], e: Expr): void {
  const [first, ...rest] = loops;
  if (first !== undefined) return frame.scalar.loop(scope, first, (inner) => nest(frame, inner, rest, e));
  const offset = frame.scalar.pushAddress(1, 'float32', j, scope);
  frame.scalar.push(e, scope);
  frame.f.mem('f32.store', { offset });
}

/** What stands between the start of the inner loop and its end. */
const innermost = (listing: string): string => /loop \$loop2\n([\s\S]*?)end/.exec(listing)?.[1] ?? '';
const x = (index: Expr): Expr => load(0, 'float32', [index]);

describe('scalar code', () => {
  it('what an inner loop does not change is computed before it', () => {
    const listing = code(add(x(j), unary('sqrt', x(i))));
    expect(listing).toContain('f32.sqrt');
    expect(innermost(listing)).not.toContain('f32.sqrt');
  });
  it('the outer part of an address too', () => expect(innermost(code(x(add(mul(i, 100), j))))).not.toContain('i32.mul'));
  it('constants of addresses go into the instruction', () => expect(code(x(add(j, 3)))).toContain('f32.load offset=12'));
  it('but not where the rest may be negative by more than the first region is away from 0', () => {
    expect(addressOf(0, 'float32', add(sub(mul(i, -1), j), 300)).offset).toBe(0);
    expect(addressOf(0, 'float32', add(sub(i, j), 200)).offset).toBe(800);
    expect(addressOf(0, 'float32', add(j, 300)).offset).toBe(1200);
  });
  it('an expression that is used twice is computed once', () => {
    const e = mul(x(j), x(add(j, 1)));
    expect(code(add(e, mul(e, e))).match(/f32\.load/g)?.length).toBe(2);
  });
  it('loads in a select run only if it takes them', () => {
    const listing = code(select(lt(j, 50), x(j), x(i)));
    const [before = '', arms = ''] = innermost(listing).split('if $if');
    expect(before).not.toContain('f32.load');
    expect(arms.match(/f32\.load/g)?.length).toBe(2);
  });
  it('division of naturals by a power of two is a shift', () => {
    const listing = code(x(floordiv(add(mul(i, 3), j), 4)));
    expect(listing).toContain('i32.shr_s');
    expect(listing).not.toContain('i32.div');
  });
  it('division of naturals needs no checks', () => {
    const listing = code(x(floormod(add(i, j), 7)));
    expect(listing).toContain('i32.rem_u');
    expect(listing).not.toContain('i32.eqz');
  });
  it('division by what may be 0 is checked', () => {
    const [a, b] = [load(0, 'int32', [j]), load(0, 'int32', [i])];
    expect(code(cast(div(a, b), 'float32'))).toContain('i32.eqz');
  });
  it('a loop that may have no turns is tested first', () => {
    const empty = variable('e', symbol('s0', 0));
    expect(() => code(x(int(0)), [empty])).toThrow('s0 is used outside the loop that defines it');
    expect(code(x(int(0)), [variable('k', sub(n, 1)), j])).toContain('if $if1');
  });
  it('a variable outside its loop is an error', () => expect(() => code(x(variable('z', 3)))).toThrow('z is used outside the loop that defines it'));
});
