/**
 * Row programs on the GPU: `lanes` invocations share a row and meet in a tree in workgroup memory, or through subgroups; one lane a row
 * where rows are short and many. Lanes step through a row side by side, `vec` neighbours at a time. Where a row is covered in at
 * most four steps they are written out, so that what the first pass read stays in registers for the later ones.
 */
import type { DeviceProfile } from '../../device.ts';
import { type ScalarType, isFloat } from '../../expr/dtype.ts';
import { type Expr, type Var, add, asInt, mul, ref, variable } from '../../expr/expr.ts';
import type { Kernel, ReduceOp, RowsBody, Scan } from '../../kernel.ts';
import type { Schedule, Space } from '../../space.ts';
import { type Emitter, type Shell, software, workgroupLimit } from './module.ts';
import { ceilDiv, divides, extentsOf, offsetIn, replacing, stored, unflatten } from './points.ts';
import { perWord, wgslType } from './storage.ts';
import type { Writer } from './writer.ts';

const mostSteps = 4;

export function rowsSpace(kernel: Kernel, body: RowsBody, profile: DeviceProfile): Space {
  const inner = asInt(extentsOf(body.inner));
  const rows = asInt(extentsOf(body.axes));
  const vectors = divides(extentsOf(body.inner), 4);
  const subgroups = profile.features.includes('subgroups') && profile.features.includes('subgroup_id');
  const out = kernel.args[body.store.tensor];
  const packed = body.each && out !== undefined && perWord(out.dtype) > 1;
  const vec = vectors && (inner === undefined || inner >= 64 || packed) ? 4 : 1;
  const length = (inner ?? 256) / vec;
  const natural = [1, 16, 64, 128, 256].find((lanes) => length <= lanes * 2) ?? 256;
  // Softmax 1024 x 1024 on SwiftShader: 19 ms with one lane a row, 155 with 16, 3000 with 256, since every barrier switches invocations.
  const alone = profile.features.includes(software) ? (rows ?? 64) >= 64 : (rows ?? 0) >= 4096 && length <= 32;
  const lanes = Math.min(alone ? 1 : natural, workgroupLimit(profile));
  return {
    emitter: 'webgpu-rows', version: 1,
    knobs: [{ name: 'lanes', values: [1, 16, 64, 128, 256] }, { name: 'vec', values: [1, 4] }, { name: 'sub', values: [0, 1] }],
    constraints: [
      { name: 'the workgroup is within the limit', holds: (s) => (s['lanes'] ?? 0) <= workgroupLimit(profile) },
      { name: 'rows divide into vectors', holds: (s) => s['vec'] === 1 || vectors },
      { name: 'subgroups reduce whole workgroups', holds: (s) => s['sub'] === 0 || (subgroups && (s['lanes'] ?? 0) >= 64) },
      { name: 'most lanes have work', holds: (s) => inner === undefined || (s['lanes'] ?? 1) * (s['vec'] ?? 1) <= Math.max(inner * 2, 16) },
    ],
    fallback: { lanes, vec, sub: 0 },
    rank: (s) => Math.abs(Math.log2(s['lanes'] ?? 1) - Math.log2(lanes)) + (s['vec'] === vec ? 0 : 0.5) + (s['sub'] === 1 ? 0.25 : 0),
  };
}

export const emitRows = (kernel: Kernel, body: RowsBody, schedule: Schedule): Emitter =>
  (writer) => new RowsEmitter(kernel, body, schedule, writer).emit();

class RowsEmitter {
  private readonly lanes: number;
  private readonly vec: number;
  private readonly wg: number;
  readonly #sub: boolean;
  readonly #rows: Expr;
  readonly #steps: Expr;
  readonly #row: Var;

  constructor(private readonly kernel: Kernel, private readonly body: RowsBody, schedule: Schedule, private readonly writer: Writer) {
    const { lanes = 1, vec = 1, sub = 0 } = schedule;
    [this.lanes, this.vec, this.#sub] = [lanes, vec, sub === 1];
    this.wg = Math.max(64, lanes);
    this.#rows = extentsOf(body.axes);
    this.#steps = ceilDiv(extentsOf(body.inner), vec);
    this.#row = variable('row', this.#rows);
  }

  emit(): Shell {
    const { writer, lanes, wg } = this;
    const perGroup = wg / lanes;
    writer.define(this.#row, lanes === wg ? 'group' : lanes === 1 ? `group * ${wg} + lid` : `group * ${perGroup} + lid / ${lanes}`);
    // Lanes meet at barriers, so only a row that is one lane's alone may be skipped as a whole.
    const live = `${writer.value(this.#row)} < ${writer.value(this.#rows)}`;
    if (lanes === 1) writer.block(`if (${live})`, 'conditional', () => { this.#rowOf('0', () => undefined); });
    else {
      writer.line(`let live = ${live};`);
      this.#rowOf(lanes === wg ? 'lid' : `lid % ${lanes}`, () => 'live');
    }
    return {
      workgroup: wg, groups: ceilDiv(this.#rows, perGroup), subgroups: this.#sub,
      constants: { workgroup_lanes: wg, row_lanes: lanes },
    };
  }

  #rowOf(lane: string, live: () => string | undefined): void {
    const { writer, body } = this;
    const first = writer.name('lane');
    writer.line(`let ${first} = ${lane};`);
    const axes = unflatten(body.axes, this.#row);
    const steps = this.#makeSteps(first, axes);
    const row = replacing(axes);
    for (const scan of body.scans) this.#scan(scan, steps);
    if (body.each) {
      steps((points, guard) => { this.#storeEach(points, [live(), guard].filter((g) => g !== undefined)); });
      return;
    }
    const store = (): void => { this.#storePoints([row]); };
    const leader = this.lanes === 1 ? undefined : `${first} == 0`;
    const conditions = [live(), leader].filter((g) => g !== undefined);
    if (conditions.length === 0) store();
    else writer.block(`if (${conditions.join(' && ')})`, 'conditional', store);
  }

  /**
   * A way to visit a row's points: `visit` gets substitutions for `vec` neighbours, and for steps that may lie beyond the row's end
   * the condition (as text and expression) under which they do not.
   */
  #makeSteps(first: string, axes: ReadonlyMap<Expr, Expr>): Steps {
    const { writer, body, lanes, vec } = this;
    const count = asInt(this.#steps);
    const at = (name: string): { step: Var; points: ((e: Expr) => Expr)[] } => {
      const step = variable(name, this.#steps);
      const points = Array.from({ length: vec }, (_, k) =>
        replacing(new Map([...axes, ...unflatten(body.inner, vec === 1 ? step : add(mul(step, vec), k))])));
      return { step, points };
    };
    const once = count !== undefined && count <= lanes * mostSteps && lanes > 1 ? Math.ceil(count / lanes) : 0;
    if (once > 0 && count !== undefined) {
      const written = Array.from({ length: once }, (_, u) => {
        const { step, points } = at(`j${u}`);
        writer.define(step, u === 0 ? first : `${first} + ${u * lanes}`);
        // The extent of the variable must not prove its own guard, so the comparison is text.
        const guard = (u + 1) * lanes <= count ? undefined : writer.name('in');
        if (guard !== undefined) writer.line(`let ${guard} = ${writer.value(step)} < ${count};`);
        return { points, guard };
      });
      return (visit) => { written.forEach(({ points, guard }) => { visit(points, guard); }); };
    }
    const { step, points } = at('j');
    return (visit) => {
      const name = writer.name('j');
      const end = writer.value(this.#steps);
      writer.block(`for (var ${name} = ${first}; ${name} < ${end}; ${name} += ${lanes})`, 'loop', () => {
        writer.bind(step, name);
        visit(points, undefined);
      });
    };
  }

  #scan(scan: Scan, steps: Steps): void {
    const { writer } = this;
    const dtype = scan.value.dtype;
    const type = reducedType(dtype);
    const acc = writer.name('acc');
    writer.line(`var ${acc} = ${this.#start(scan.op, dtype)};`);
    steps((points, guard) => {
      const values = points.map((go) => {
        const value = writer.value(go(scan.value));
        const plain = dtype === 'bool' ? `u32(${value})` : value;
        return guard === undefined ? plain : `select(${this.#start(scan.op, dtype)}, ${plain}, ${guard})`;
      });
      const joined = values.reduce((a, b) => this.#combine(scan.op, type, a, b));
      writer.line(`${acc} = ${this.#combine(scan.op, type, acc, joined)};`);
    });
    let result = acc;
    if (this.lanes > 1) {
      result = this.#sub
        ? writer.call(`subgroup_${scan.op}_${type}`, acc, 'subgroup', 'subgroups')
        : writer.call(`lanes_${scan.op}_${type}`, acc, 'lane');
    }
    writer.define(ref(scan.name, dtype), this.#finish(result, dtype));
  }

  /** The neutral element of a reduction. */
  #start(op: ReduceOp, dtype: ScalarType): string {
    const type = reducedType(dtype);
    const { writer } = this;
    const suffix = type === 'f32' ? 'f' : type === 'u32' ? 'u' : '';
    switch (op) {
      case 'sum': return `0${suffix}`;
      case 'prod': return `1${suffix}`;
      case 'max': return isFloat(dtype) ? `-${writer.call('infinity')}` : type === 'u32' ? '0u' : 'i32(-2147483648)';
      case 'min': return isFloat(dtype) ? writer.call('infinity') : type === 'u32' ? '4294967295u' : '2147483647';
      default: return op satisfies never;
    }
  }

  #combine(op: ReduceOp, type: 'f32' | 'i32' | 'u32', a: string, b: string): string {
    switch (op) {
      case 'sum': return `(${a} + ${b})`;
      case 'prod': return `(${a} * ${b})`;
      case 'max': return type === 'f32' ? this.writer.call('max_nan', a, b) : `max(${a}, ${b})`;
      case 'min': return type === 'f32' ? this.writer.call('min_nan', a, b) : `min(${a}, ${b})`;
      default: return op satisfies never;
    }
  }

  /** Narrow sums wrap once, at the end; that is the same as after every step. */
  #finish(text: string, dtype: ScalarType): string {
    switch (dtype) {
      case 'bool': return `(${text} != 0u)`;
      case 'int8': return this.writer.call('wrap_i8', text);
      case 'int16': return this.writer.call('wrap_i16', text);
      case 'uint8': return `(${text} & 255u)`;
      case 'uint16': return `(${text} & 65535u)`;
      default: return text;
    }
  }

  #storeEach(points: readonly ((e: Expr) => Expr)[], conditions: readonly string[]): void {
    if (conditions.length === 0) this.#storePoints(points);
    else this.writer.block(`if (${conditions.join(' && ')})`, 'conditional', () => { this.#storePoints(points); });
  }

  #storePoints(points: readonly ((e: Expr) => Expr)[]): void {
    const { store } = this.body;
    this.writer.store(store.tensor, points.map((go) => ({
      value: this.writer.value(stored(go(store.value), this.kernel, store.tensor)),
      offset: offsetIn(this.kernel, store.tensor, store.index.map(go)),
    })));
  }
}

type Visit = (points: readonly ((e: Expr) => Expr)[], guard: string | undefined) => void;
type Steps = (visit: Visit) => void;

function reducedType(dtype: ScalarType): 'f32' | 'i32' | 'u32' {
  const type = wgslType(dtype);
  return type === 'bool' ? 'u32' : type;
}
