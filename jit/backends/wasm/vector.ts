/**
 * Expressions over four neighbouring points of one axis (the lane axis) to v128 instructions. What does not depend on the lane axis is
 * computed once as a scalar and spread; loads with unit stride are vector loads; a select by a mask computes both sides and reads
 * at addresses held inside the argument; what has no vector form is computed lane by lane by the scalar emitter. Invariant: every lane
 * gets the bits that the scalar emitter gives for its point.
 */
import { invariant } from '../../error.ts';
import { type DType, type ScalarType, bytesOf } from '../../expr/dtype.ts';
import { type Expr, type Load, type Ref, type Var, add, binary, int, mul, ref, select, sub } from '../../expr/expr.ts';
import { stepAlong } from '../../expr/index-algebra.ts';
import { collect, isRef, operands, substitute } from '../../expr/visit.ts';
import type { Arg } from '../../kernel.ts';
import type { FunctionBuilder, Local } from './function-builder.ts';
import { LaneFacts, offsetIn } from './lane-facts.ts';
import { loadLanes, storeLane, storeLanes } from './lane-memory.ts';
import { type Scalar, addressOf, argBase, nameOf, termsOf } from './scalar.ts';
import type { Scope } from './scope.ts';
import { conjuncts, extremeOf, sameLanes, weight } from './vector-forms.ts';
import { lanesOf, ramp, splatBits, splatFloat, vectorBinary, vectorCast, vectorUnary, wrapLanes } from './vector-ops.ts';

/** The first lanes of a vector; `inside` pushes whether one of them is wanted. */
export interface Lanes {
  readonly count: number;
  readonly inside?: (lane: number, scope: Scope) => void;
}

export class Vector {
  private readonly f: FunctionBuilder;
  readonly #facts: LaneFacts;
  readonly #given = new Map<Ref, Local>();
  /** Above 0 while code is emitted whose lanes may be masked off: loads then stay inside their arguments. */
  #masked = 0;

  constructor(readonly scalar: Scalar, readonly axis: Var, readonly args: readonly Arg[], readonly fma: boolean) {
    this.f = scalar.f;
    this.#facts = new LaneFacts(axis);
  }

  /** Lets `leaf` stand for the four values in `local`. */
  define(leaf: Ref, local: Local, scope: Scope): void {
    this.#given.set(leaf, local);
    this.#facts.mark(leaf);
    scope.define(leaf, local);
    scope.remember(leaf, local, 'vector');
  }

  /** Pushes four values of `e`, whose type has lanes. */
  push(e: Expr, scope: Scope): void {
    const { f } = this;
    const known = scope.find(e, 'vector');
    if (known !== undefined) return f.get(known);
    if (e.op === 'const') {
      // Held in a local from before the loop: V8 builds a vector constant anew at each use, in four instructions. exp ran at 2.0 ns a
      // point with constants in place and at 0.85 so; tanh at 1.7 and 0.83.
      const loop = scope.loopBelow(this.scalar.context.root);
      if (loop === undefined) return this.#constant(e.value, e.dtype);
      return f.get(this.scalar.hoistInto(e, loop, 'vector', 'v128', () => this.#constant(e.value, e.dtype)));
    }
    if ((e.op === 'cast' || e.op === 'bitcast') && sameLanes(e.dtype, e.a.dtype, e.op)) return this.push(e.a, scope);
    const outside = scope.loopBelow(this.scalar.levelOf(e, scope));
    const guarded = this.#masked > 0 && this.#facts.loads(e);
    const compute = (where: Scope): void => (this.#facts.varies(e) || (guarded && e.op !== 'load') ? this.#compute(e, where) : this.#spread(e, where));
    if (outside !== undefined && !guarded) return f.get(this.scalar.hoistInto(e, outside, 'vector', 'v128', compute));
    compute(scope);
    if (this.scalar.isShared(e)) {
      const local = f.local('v128', `${nameOf(e)}_v`);
      f.tee(local);
      scope.remember(e, local, 'vector');
    }
  }

  #constant(value: number | bigint, dtype: ScalarType): void {
    const kind = lanesOf(dtype);
    if (kind === 'float') splatFloat(this.f, Number(value));
    else if (kind === 'mask') splatBits(this.f, value ? -1 : 0);
    else splatBits(this.f, Number(value) | 0);
  }

  /** The same value in all lanes. */
  #spread(e: Expr, scope: Scope): void {
    const { f, scalar } = this;
    const cached = scope.find(e, 'scalar') !== undefined;
    if (e.op === 'load' && !cached && bytesOf(e.dtype) === 4) {
      if (this.#masked > 0) this.#pushHeldAddress(e, scope, 'uniform');
      else scalar.push(scalar.addressOfLoad(e).base, scope);
      return f.mem('v128.load32_splat', { offset: this.#masked > 0 ? 0 : scalar.addressOfLoad(e).offset });
    }
    scalar.push(e, scope);
    if (e.dtype === 'float32') return f.op('f32x4.splat');
    f.op('i32x4.splat');
    return e.dtype === 'bool' ? f.op('i32x4.neg') : undefined;
  }

  #compute(e: Expr, scope: Scope): void {
    const { f } = this;
    switch (e.op) {
      case 'const': case 'sym': case 'ref': return this.#spread(e, scope);
      case 'var': {
        if (e !== this.axis) return this.#spread(e, scope);
        this.scalar.push(e, scope);
        f.op('i32x4.splat');
        ramp(f, 1);
        return f.op('i32x4.add');
      }
      case 'load': return this.#load(e, scope);
      case 'unary': {
        const emit = lanesOf(e.a.dtype) === undefined ? undefined : vectorUnary(e.fn, e.a.dtype);
        if (emit === undefined) return this.#eachLane(e, scope);
        this.push(e.a, scope);
        return emit(f);
      }
      case 'binary': return this.#binary(e, scope);
      case 'select': return this.#select(e, scope);
      case 'cast': {
        const emit = vectorCast(e.a.dtype, e.dtype);
        if (emit === undefined) return this.#eachLane(e, scope);
        this.push(e.a, scope);
        return emit(f);
      }
      case 'bitcast':
        if (bytesOf(e.dtype) !== 4 || bytesOf(e.a.dtype) !== 4) return this.#eachLane(e, scope);
        return this.push(e.a, scope);
      case 'muladd': {
        const float = e.dtype === 'float32';
        if (!float && lanesOf(e.dtype) !== 'integer') return this.#eachLane(e, scope);
        this.push(e.a, scope);
        this.push(e.b, scope);
        if (float && this.fma) {
          this.push(e.c, scope);
          return f.op('f32x4.relaxed_madd');
        }
        f.op(float ? 'f32x4.mul' : 'i32x4.mul');
        this.push(e.c, scope);
        f.op(float ? 'f32x4.add' : 'i32x4.add');
        return wrapLanes(f, e.dtype);
      }
      default: return e satisfies never;
    }
  }

  #binary(e: Extract<Expr, { op: 'binary' }>, scope: Scope): void {
    const { f } = this;
    if (e.dtype === 'index') {
      const step = stepAlong(e, this.axis);
      if (step !== undefined) {
        this.scalar.push(e, scope);
        f.op('i32x4.splat');
        ramp(f, step);
        return f.op('i32x4.add');
      }
      if (e.fn === 'add') {
        const uniform = termsOf(e).filter((t) => !this.#facts.varies(t));
        const rest = termsOf(e).filter((t) => this.#facts.varies(t));
        const parts = uniform.length > 0 ? [uniform.reduce((a, b) => add(a, b)), ...rest] : rest;
        parts.forEach((part, i) => {
          this.push(part, scope);
          if (i > 0) f.op('i32x4.add');
        });
        return;
      }
    }
    const shift = e.fn === 'shl' || e.fn === 'shr';
    if (shift && !this.#facts.varies(e.b) && lanesOf(e.dtype) === 'integer') {
      this.push(e.a, scope);
      this.scalar.push(e.b, scope);
      f.op(e.fn === 'shl' ? 'i32x4.shl' : e.dtype.startsWith('uint') ? 'i32x4.shr_u' : 'i32x4.shr_s');
      return e.fn === 'shl' ? wrapLanes(f, e.dtype) : undefined;
    }
    const power = e.b.op === 'const' && lanesOf(e.dtype) === 'integer' ? Math.log2(Number(e.b.value)) : NaN;
    if (Number.isInteger(power) && power >= 0 && (e.fn === 'floordiv' || e.fn === 'floormod')) {
      this.push(e.a, scope);
      if (e.fn === 'floordiv') {
        f.i32(power);
        return f.op(e.dtype.startsWith('uint') ? 'i32x4.shr_u' : 'i32x4.shr_s');
      }
      splatBits(f, 2 ** power - 1);
      return f.op('v128.and');
    }
    const op = lanesOf(e.a.dtype) === undefined ? undefined : vectorBinary(e.fn, e.a.dtype);
    if (op === undefined) return this.#eachLane(e, scope);
    this.push(e.a, scope);
    this.push(e.b, scope);
    f.op(op);
    return e.fn === 'add' || e.fn === 'sub' || e.fn === 'mul' ? wrapLanes(f, e.dtype) : undefined;
  }

  // Selects -----------------------------------------------------------------------------------------------------------------------

  #select(e: Extract<Expr, { op: 'select' }>, scope: Scope): void {
    const { f, scalar } = this;
    const extreme = this.#facts.varies(e.cond) ? extremeOf(e) : undefined;
    if (extreme !== undefined) {
      this.push(e.b, scope);
      this.push(e.a, scope);
      return f.op(extreme);
    }
    const eager = scalar.isEager(e.a, scope) && scalar.isEager(e.b, scope);
    if (!this.#facts.varies(e.cond)) {
      if (eager) {
        this.push(e.a, scope);
        this.push(e.b, scope);
        scalar.push(e.cond, scope);
        return f.op('select');
      }
      scalar.push(e.cond, scope);
      return f.if(() => this.push(e.a, scalar.branch(scope)), () => this.push(e.b, scalar.branch(scope)), ['v128']);
    }
    // (u and w) ? a : b with u the same in all lanes: branch on u, so that rows of padding read nothing.
    if (e.cond.op === 'binary' && e.cond.fn === 'and' && scalar.isEager(e.b, scope)) {
      const parts = conjuncts(e.cond);
      const [whole, mixed] = [parts.filter((c) => !this.#facts.varies(c)), parts.filter((c) => this.#facts.varies(c))];
      if (whole.length > 0 && mixed.length > 0) {
        const all = (list: readonly Expr[]): Expr => list.reduce((a, b) => binary('and', a, b));
        return this.push(select(all(whole), select(all(mixed), e.a, e.b), e.b), scope);
      }
    }
    const mask = f.local('v128', 'mask');
    this.push(e.cond, scope);
    f.set(mask);
    const safe = (side: Expr): boolean => this.#settled(side, scope) || this.#facts.maskable(side);
    if (!safe(e.a) || !safe(e.b)) return this.#eachLane(e, scope);
    const arm = (side: Expr, inverted: boolean): void => {
      // What reads nothing new is computed here, where the other arm can share it, unless it is long: then only if a lane wants it.
      const heavy = weight(side) > 150 || !this.#facts.whole(side);
      if (!heavy && (scalar.isEager(side, scope) || this.#settled(side, scope))) return this.push(side, scope);
      const inner = scalar.branch(scope);
      this.#masked += 1;
      if (heavy || weight(side) > 12) {
        f.get(mask);
        if (inverted) f.op('v128.not');
        f.op('v128.any_true');
        f.if(() => this.push(side, inner), () => splatBits(f, 0), ['v128']);
      } else {
        this.push(side, inner);
      }
      this.#masked -= 1;
    };
    arm(e.a, false);
    arm(e.b, true);
    f.get(mask);
    f.op('v128.bitselect');
  }

  /** All that it reads has been loaded. */
  #settled(e: Expr, scope: Scope, seen = new Set<Expr>()): boolean {
    if (seen.has(e) || !this.#facts.loads(e) || scope.find(e, 'vector') !== undefined) return true;
    seen.add(e);
    return e.op !== 'load' && operands(e).every((o) => this.#settled(o, scope, seen));
  }

  // Memory ------------------------------------------------------------------------------------------------------------------------

  #load(e: Load, scope: Scope): void {
    const { f } = this;
    const offset = offsetIn(e);
    if (lanesOf(e.dtype) === undefined) return this.#eachLane(e, scope);
    if (this.#facts.access(offset) === 'unit') {
      let folded = 0;
      if (this.#masked > 0) {
        this.#pushHeldAddress(e, scope, 'unit');
      } else {
        const address = this.scalar.addressOfLoad(e);
        this.scalar.push(address.base, scope);
        folded = address.offset;
      }
      return loadLanes(f, e.dtype, folded);
    }
    if (bytesOf(e.dtype) !== 4) return this.#eachLane(e, scope);
    if (offset.op === 'cast' && offset.a.dtype === 'uint8') return this.#lookUp(e, offset.a, scope);
    const lane = (l: number): { base: Expr; offset: number } =>
      addressOf(e.tensor, e.dtype, substitute(offset, new Map([[this.axis, add(this.axis, l)]])));
    this.scalar.prepare([0, 1, 2, 3].map((l) => lane(l).base));
    const v = f.local('v128', `t${e.tensor}_v`);
    this.scalar.push(lane(0).base, scope);
    f.mem('v128.load32_zero', { offset: lane(0).offset });
    f.set(v);
    for (let l = 1; l < 4; l++) {
      this.scalar.push(lane(l).base, scope);
      f.get(v);
      f.memLane('v128.load32_lane', l, { offset: lane(l).offset });
      if (l < 3) f.set(v);
    }
  }

  /** Elements of a table at indices that lanes have computed. */
  #lookUp(e: Load, at: Expr, scope: Scope): void {
    const { f, scalar } = this;
    const [index, v] = [f.local('v128', 'at'), f.local('v128', `t${e.tensor}_v`)];
    this.push(at, scope);
    f.i32(2);
    f.op('i32x4.shl');
    f.set(index);
    for (let l = 0; l < 4; l++) {
      scalar.push(argBase(e.tensor), scope);
      f.get(index);
      f.laneOp('i32x4.extract_lane', l);
      f.op('i32.add');
      if (l === 0) f.mem('v128.load32_zero');
      else {
        f.get(v);
        f.memLane('v128.load32_lane', l);
      }
      if (l < 3) f.set(v);
    }
  }

  /**
   * The address of a load whose lanes may all be masked off, held between 16 bytes before the argument and its end. A vector
   * with a lane inside the argument keeps its address; the others read what is not used, but inside the memory.
   */
  #pushHeldAddress(e: Load, scope: Scope, access: 'unit' | 'uniform'): void {
    const { f, scalar } = this;
    const arg = this.args[e.tensor];
    invariant(arg !== undefined, `no argument ${e.tensor}`);
    const size = bytesOf(e.dtype);
    const last = arg.shape.reduce<Expr>((at, extent, d) => add(at, mul(sub(extent, int(1)), arg.strides[d] ?? int(0))), int(0));
    const low = access === 'unit' ? sub(argBase(e.tensor), int(16)) : argBase(e.tensor);
    const high = add(argBase(e.tensor), mul(last, int(size)));
    const address = f.local('i32', 'held');
    scalar.push(add(argBase(e.tensor), mul(offsetIn(e), int(size))), scope);
    f.set(address);
    // One element: both bounds are the same expression, so which is which goes by the turn.
    for (const [turn, [bound, worse]] of ([[high, 'i32.lt_u'], [low, 'i32.gt_u']] as const).entries()) {
      const limit = scalar.value(bound, scope);
      f.get(address);
      f.get(limit);
      f.get(address);
      f.get(limit);
      f.op(worse);
      f.op('select');
      if (turn === 0) f.set(address);
    }
  }

  /** Stores the four values that `value` pushes at element `offset` of an argument and its neighbours along the lane axis, or some of them. */
  store(slot: number, dtype: DType, offset: Expr, scope: Scope, value: () => void, { count, inside }: Lanes = { count: 4 }): void {
    const { f, scalar } = this;
    const address = addressOf(slot, dtype, offset);
    if (this.#facts.access(offset) === 'unit' && count === 4) {
      scalar.push(address.base, scope);
      value();
      return storeLanes(f, dtype, address.offset);
    }
    value();
    if (dtype === 'bool') { splatBits(f, 1); f.op('v128.and'); }
    const v = f.local('v128', 'stored');
    f.set(v);
    for (let l = 0; l < count; l++) {
      const lane = addressOf(slot, dtype, substitute(offset, new Map([[this.axis, add(this.axis, l)]])));
      const one = (at: Scope): void => {
        scalar.push(lane.base, at);
        f.get(v);
        storeLane(f, dtype, l, lane.offset);
      };
      if (inside === undefined) { one(scope); continue; }
      inside(l, scope);
      f.if(() => { one(scalar.branch(scope)); });
    }
  }

  /**
   * Stores several vectors, all values first: V8's revectorizer, where it is on, packs no two loads with a store in between (exp 5.2 instead
   * of 10.2 us for 16384 points, GELU 9.5 and 17.7, LayerNorm of 32x768 6.0 and 8.7; without it both ways take the same).
   */
  storeAll(slot: number, dtype: DType, points: readonly { readonly offset: Expr; readonly value: Expr }[], scope: Scope): void {
    const { f } = this;
    const values = points.map(({ value }) => {
      const local = f.local('v128', 'value');
      this.push(value, scope);
      f.set(local);
      return local;
    });
    values.forEach((v, i) => { this.store(slot, dtype, points[i]?.offset ?? int(0), scope, () => { f.get(v); }); });
  }

  /** Each lane by the scalar emitter. */
  #eachLane(e: Expr, scope: Scope): void {
    const { f, scalar } = this;
    const used = [...this.#given].filter(([leaf]) => collect([e], isRef).includes(leaf));
    const lanes = [0, 1, 2, 3].map((l) => {
      const by = new Map<Expr, Expr>([[this.axis, add(this.axis, l)]]);
      for (const [leaf, local] of used) {
        const one = ref(`${leaf.name}.${l}`, leaf.dtype);
        by.set(leaf, one);
        if (scope.owner(one) !== undefined) continue;
        const type = leaf.dtype === 'float32' ? 'f32' : 'i32';
        const to = f.local(type, one.name);
        f.get(local);
        f.laneOp(`${type}x4.extract_lane`, l);
        if (leaf.dtype === 'bool') { f.i32(1); f.op('i32.and'); }
        f.set(to);
        scope.define(one, to);
      }
      return substitute(e, by);
    });
    scalar.prepare(lanes);
    const shape = e.dtype === 'float32' ? 'f32x4' : 'i32x4';
    lanes.forEach((lane, l) => {
      scalar.push(lane, scope);
      if (l === 0) f.op(`${shape}.splat`);
      else f.laneOp(`${shape}.replace_lane`, l);
    });
    if (e.dtype === 'bool') f.op('i32x4.neg');
  }
}
