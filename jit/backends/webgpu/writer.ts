/**
 * Writes WGSL statements: nested scopes, names, the kernel's buffers. Input: expressions whose variables the emitter has bound to texts;
 * output: lines. Each expression is computed where its last operand becomes known, so what does not change in a loop is computed before it,
 * and what is needed twice gets a name. A kernel is written twice: the first pass counts uses and sees every address, which decides
 * names and buffer types of the second. Invariant: equal kernels and schedules give equal bytes.
 */
import { type ArgumentsOf, type FunctionName } from '../../../shaders/library.ts';
import { QuernError } from '../../error.ts';
import type { ScalarType } from '../../expr/dtype.ts';
import { type Expr, type Ref, type Var, asInt, floordiv, floormod } from '../../expr/expr.ts';
import { text as exprText } from '../../expr/text.ts';
import { cost, operands, varying } from '../../expr/visit.ts';
import { type Kernel, offsetOf } from '../../kernel.ts';
import { type Operation, compute, literal } from './expression.ts';
import { perWord, wgslType, wordType } from './storage.ts';

/** What the first pass learned. */
export interface Findings {
  /** How often each expression was asked for. */
  readonly uses: Map<Expr, number>;
  /** Addresses by slot: each group is what one access touches together. */
  readonly loads: Map<number, Expr[]>;
  readonly stores: Map<number, (readonly Expr[])[]>;
}
export const nothingFound = (): Findings => ({ uses: new Map(), loads: new Map(), stores: new Map() });

/** How a buffer is declared and addressed. */
export interface Slot {
  /** Elements per word of the declared array: 4 for vec4 and bytes, 2 for halves. */
  readonly per: 1 | 2 | 4;
  readonly vector: boolean;
  /** Words are shared by stores of several invocations. */
  readonly atomic: boolean;
  /** Stores of this kernel may change what it loads. */
  readonly volatile: boolean;
}

interface Scope {
  readonly lines: string[];
  readonly bound: Map<Expr, string>;
  readonly known: Map<Expr | string, string>;
  /** Runs once per iteration, or only on a condition. */
  readonly kind: 'plain' | 'loop' | 'conditional';
}

const scope = (kind: Scope['kind']): Scope => ({ lines: [], bound: new Map(), known: new Map(), kind });

/** Branches of a select that cost more than this are computed only when taken; loads cost 1, transcendental functions 8. */
const heavy = 16;

export class Writer {
  readonly calls = new Set<FunctionName>();
  /** Module-scope lines that the body needs: variables in workgroup memory. */
  readonly globals: string[] = [];
  readonly found = nothingFound();
  #scopes: Scope[] = [scope('plain')];
  #levels = new Map<Expr, number>();
  readonly #costs = new Map<Expr, boolean>();
  readonly #mutable = new Set<Expr>();
  #next = 0;

  constructor(
    readonly kernel: Kernel,
    readonly slots: readonly Slot[],
    /** Undefined in the first pass. */
    private readonly earlier: Findings | undefined,
  ) {}

  /** The written lines, indented by one level. */
  text(): string[] { return this.#scopes.flatMap((s) => s.lines).map((line) => `  ${line}`); }

  /** A name of its own; the thirty-third index would hide a type. */
  name(prefix: string): string {
    const name = `${prefix}${this.#next++}`;
    return name === 'i32' ? this.name(prefix) : name;
  }

  line(text: string): void { this.#current.lines.push(text); }

  /** A variable, dim or named value that is a WGSL expression from here to the end of the scope. */
  bind(e: Var | Ref | Extract<Expr, { op: 'sym' }>, text: string): void { this.#current.bound.set(e, text); }

  /** A local that statements set: nothing that depends on it outlives the scope in which it was computed. */
  bindMutable(e: Ref, text: string): void {
    this.bind(e, text);
    this.#mutable.add(e);
  }

  /** `let` in this scope, bound to a variable or named value. */
  define(e: Var | Ref, text: string): void {
    const name = this.name(e.op === 'var' ? 'i' : 'r');
    this.line(`let ${name} = ${text};`);
    this.bind(e, name);
  }

  block(header: string, kind: 'plain' | 'loop' | 'conditional', body: () => void): void {
    const lines = this.#nested(kind, body);
    this.line(`${header} {`);
    for (const line of lines) this.line(`  ${line}`);
    this.line('}');
  }

  /** Lines in their own scope without braces: named values that may change later are forgotten after it. */
  section(body: () => void): void { for (const line of this.#nested('plain', body)) this.line(line); }

  #nested(kind: Scope['kind'], body: () => void): string[] {
    const made = scope(kind);
    this.#scopes.push(made);
    this.#levels = new Map();
    body();
    this.#scopes.pop();
    this.#levels = new Map();
    return made.lines;
  }

  call<Name extends FunctionName>(name: Name, ...args: ArgumentsOf<Name>): string {
    this.calls.add(name);
    const texts: readonly string[] = args;
    return `${name}(${texts.join(', ')})`;
  }

  /** The value of an expression as WGSL text without side effects, of the type `wgslType(e.dtype)`. */
  value(e: Expr): string {
    this.found.uses.set(e, (this.found.uses.get(e) ?? 0) + 1);
    if (e.op === 'const') return literal(e, this.#operation);
    const known = this.#lookup(e);
    if (known !== undefined) return known;
    if (e.op === 'var' || e.op === 'sym' || e.op === 'ref') {
      throw new QuernError('internal', 'an expression has no value here', { got: exprText(e) });
    }
    const depth = this.#scopes.length - 1;
    const target = this.#placeOf(e);
    const hoisted = this.#scopes.slice(target + 1).some((s) => s.kind === 'loop');
    const shared = (this.earlier?.uses.get(e) ?? 2) > 1;
    if (!shared && !hoisted) return this.#make(e);
    return this.#at(Math.min(target, depth), () => {
      const text = this.#make(e);
      // A select that became statements has a name already, and a component of a loaded vector is one.
      if (/^\w+(\.[xyzw])?$/.test(text)) { this.#current.known.set(e, text); return text; }
      const name = this.name('v');
      this.line(`let ${name} = ${text};`);
      this.#current.known.set(e, name);
      return name;
    });
  }

  /** One element of a buffer. */
  load(tensor: number, dtype: ScalarType, offset: Expr): string {
    const slot = this.#slot(tensor);
    const arg = this.kernel.args[tensor];
    if (arg === undefined) throw new QuernError('internal', 'a kernel has no such argument', { got: String(tensor) });
    const seen = this.found.loads.get(tensor) ?? [];
    this.found.loads.set(tensor, [...seen, offset]);
    if (slot.per === 1) {
      const element = `t${tensor}[${this.value(offset)}]`;
      return slot.atomic ? `atomicLoad(&${element})` : element;
    }
    const word = this.#word(tensor, floordiv(offset, slot.per));
    const part = floormod(offset, slot.per);
    const fixed = asInt(part);
    if (slot.vector) {
      if (fixed === undefined) throw new QuernError('internal', 'an address has no fixed part', { got: exprText(offset) });
      return `${word}.${'xyzw'[fixed] ?? 'x'}`;
    }
    const at = this.value(part);
    switch (dtype) {
      case 'float16': return this.call('half_to_real', this.call('part_u16', word, at));
      case 'int16': return this.call('part_i16', word, at);
      case 'uint16': return this.call('part_u16', word, at);
      case 'int8': return this.call('part_i8', word, at);
      case 'bool': return `(${this.call('part_u8', word, at)} != 0u)`;
      default: return this.call('part_u8', word, at);
    }
  }

  #word(tensor: number, index: Expr): string {
    const slot = this.#slot(tensor);
    const key = `t${tensor}:${index.id}`;
    const known = this.#lookup(key);
    if (known !== undefined) return known;
    const target = slot.volatile ? this.#scopes.length - 1 : Math.max(this.#level(index), this.#condition());
    return this.#at(target, () => {
      const element = `t${tensor}[${this.value(index)}]`;
      const name = this.name('w');
      this.line(`let ${name} = ${slot.atomic ? `atomicLoad(&${element})` : element};`);
      this.#current.known.set(key, name);
      return name;
    });
  }

  /** Stores neighbouring values under one condition; whole words are written at once. Values are texts of the argument's type. */
  store(tensor: number, elements: readonly { readonly offset: Expr; readonly value: string }[]): void {
    const slot = this.#slot(tensor);
    const arg = this.kernel.args[tensor];
    if (arg === undefined) throw new QuernError('internal', 'a kernel has no such argument', { got: String(tensor) });
    this.found.stores.set(tensor, [...(this.found.stores.get(tensor) ?? []), elements.map((e) => e.offset)]);
    if (slot.per === 1) {
      for (const { offset, value } of elements) this.line(`t${tensor}[${this.value(offset)}] = ${value};`);
      return;
    }
    const bits = (value: string): string => {
      switch (arg.dtype) {
        case 'float16': return this.call('real_to_half', value);
        case 'bool': return `u32(${value})`;
        default: return wgslType(arg.dtype) === 'i32' ? `bitcast<u32>(${value})` : value;
      }
    };
    const words = groupByWord(elements, slot.per);
    for (const { word, parts } of words) {
      const whole = wholeWord(parts, slot.per);
      if (whole !== undefined && slot.vector) {
        this.line(`t${tensor}[${this.value(word)}] = ${packed(whole, wordType(arg.dtype))};`);
      } else if (whole !== undefined) {
        const [a = '', b = '', c = '', d = ''] = whole.map(bits);
        const made = slot.per === 4 ? this.call('pack_4x8', a, b, c, d) : this.call('pack_2x16', a, b);
        const element = `t${tensor}[${this.value(word)}]`;
        this.line(slot.atomic ? `atomicStore(&${element}, ${made});` : `${element} = ${made};`);
      } else {
        for (const { part, value } of parts) this.#storePart(tensor, slot.per === 4 ? 8 : 16, word, part, bits(value));
      }
    }
  }

  /** Two atomic steps on bits that belong to this invocation alone; neighbours in the word are not touched. */
  #storePart(tensor: number, width: 8 | 16, word: Expr, part: Expr, bits: string): void {
    const mask = width === 8 ? '255u' : '65535u';
    const shift = this.name('s');
    this.line(`let ${shift} = u32(${this.value(part)}) * ${width}u;`);
    const element = `&t${tensor}[${this.value(word)}]`;
    this.line(`atomicAnd(${element}, ~(${mask} << ${shift}));`);
    this.line(`atomicOr(${element}, (${bits} & ${mask}) << ${shift});`);
  }

  #slot(tensor: number): Slot {
    const slot = this.slots[tensor];
    if (slot === undefined) throw new QuernError('internal', 'a kernel has no such argument', { got: String(tensor) });
    return slot;
  }

  #make(e: Operation): string {
    if (e.op === 'load') {
      const arg = this.kernel.args[e.tensor];
      if (arg === undefined) throw new QuernError('internal', 'a kernel has no such argument', { got: exprText(e) });
      return this.load(e.tensor, e.dtype, offsetOf(arg, e.index));
    }
    if (e.op === 'select' && cost(e.a) + cost(e.b) > heavy) return this.#branch(e);
    return compute(e, this.#operation);
  }

  #branch(e: Extract<Expr, { op: 'select' }>): string {
    const cond = this.value(e.cond);
    const name = this.name('x');
    this.line(`var ${name}: ${wgslType(e.dtype)};`);
    this.block(`if (${cond})`, 'conditional', () => { this.line(`${name} = ${this.value(e.a)};`); });
    this.block('else', 'conditional', () => { this.line(`${name} = ${this.value(e.b)};`); });
    this.#current.known.set(e, name);
    return name;
  }

  /** What expression.ts needs of a writer. */
  readonly #operation = {
    fma: (): boolean => this.kernel.numeric.fma,
    value: (e: Expr): string => this.value(e),
    call: <Name extends FunctionName>(name: Name, ...args: ArgumentsOf<Name>): string => this.call(name, ...args),
    /** A text as a value that is no constant expression: those may not overflow, divide by zero or be infinite. */
    runtime: (text: string): string => {
      const name = this.name('k');
      this.line(`let ${name} = ${text};`);
      return name;
    },
  };

  get #current(): Scope {
    const top = this.#scopes[this.#scopes.length - 1];
    if (top === undefined) throw new QuernError('internal', 'a writer has no scope');
    return top;
  }

  #lookup(e: Expr | string): string | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const s = this.#scopes[i];
      const found = s?.known.get(e) ?? (typeof e === 'string' ? undefined : s?.bound.get(e));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Runs with only the outer scopes open, so that lines land there. */
  #at<T>(depth: number, body: () => T): T {
    const all = this.#scopes;
    if (depth >= all.length - 1) return body();
    this.#scopes = all.slice(0, depth + 1);
    try {
      return body();
    } finally {
      this.#scopes = all;
    }
  }

  /** The outermost scope in which everything that an expression reads is known. */
  #level(e: Expr): number {
    if (e.op === 'const') return 0;
    if (this.#mutable.has(e) || (e.op === 'load' && this.#slot(e.tensor).volatile)) return this.#scopes.length - 1;
    const cached = this.#levels.get(e);
    if (cached !== undefined && cached < this.#scopes.length) return cached;
    let level = 0;
    if (e.op === 'var' || e.op === 'sym' || e.op === 'ref') {
      level = this.#scopes.findLastIndex((s) => s.bound.has(e));
    } else {
      for (const x of operands(e)) level = Math.max(level, this.#level(x));
      if (e.op === 'load') {
        const arg = this.kernel.args[e.tensor];
        if (arg !== undefined) level = Math.max(level, this.#level(offsetOf(arg, e.index)));
      }
    }
    this.#levels.set(e, level);
    return level;
  }

  /** Index arithmetic may leave a branch; loads and expensive functions stay in it. */
  #placeOf(e: Expr): number {
    return this.#isCostly(e) ? Math.max(this.#level(e), this.#condition()) : this.#level(e);
  }

  #condition(): number { return Math.max(0, this.#scopes.findLastIndex((s) => s.kind === 'conditional')); }

  #isCostly(e: Expr): boolean {
    const cached = this.#costs.get(e);
    if (cached !== undefined) return cached;
    const costly = (e.has & varying) !== 0
      && (e.op === 'load' || e.op === 'unary' || e.op === 'muladd' || operands(e).some((x) => this.#isCostly(x)));
    this.#costs.set(e, costly);
    return costly;
  }
}

function groupByWord(elements: readonly { readonly offset: Expr; readonly value: string }[], per: number) {
  const words: { word: Expr; parts: { part: Expr; value: string }[] }[] = [];
  for (const { offset, value } of elements) {
    const word = floordiv(offset, per);
    const made = { part: floormod(offset, per), value };
    const same = words.find((w) => w.word === word);
    if (same === undefined) words.push({ word, parts: [made] });
    else same.parts.push(made);
  }
  return words;
}

function wholeWord(parts: readonly { readonly part: Expr; readonly value: string }[], per: number): string[] | undefined {
  const values: string[] = [];
  for (const { part, value } of parts) {
    const at = asInt(part);
    if (at === undefined) return undefined;
    values[at] = value;
  }
  return values.length === per && values.every((v) => typeof v === 'string') && parts.length === per ? values : undefined;
}

/** Four scalars as a vector; the four components of one vector in order are that vector. */
export function packed(values: readonly string[], type: string): string {
  const [first] = values;
  if (values.length === 1 && first !== undefined) return first;
  const base = /^(\w+)\.x$/.exec(first ?? '')?.[1];
  if (values.length === 4 && base !== undefined && values.every((v, i) => v === `${base}.${'xyzw'[i] ?? ''}`)) return base;
  return `vec${values.length}<${type}>(${values.every((v) => v === first) ? first ?? '' : values.join(', ')})`;
}

/** How buffers are declared, from what the first pass saw of their addresses. */
export function slotsFor(kernel: Kernel, found: Findings | undefined): Slot[] {
  return kernel.args.map((arg, i): Slot => {
    const volatile = arg.access !== 'read' && kernel.body.kind === 'loop';
    const per = perWord(arg.dtype);
    const groups = found?.stores.get(i) ?? [];
    const words = (n: number): boolean => groups.every((group) =>
      groupByWord(group.map((offset) => ({ offset, value: '' })), n).every((w) => wholeWord(w.parts, n) !== undefined));
    if (per > 1) return { per, vector: false, atomic: groups.length > 0 && !words(per), volatile };
    const loads = found?.loads.get(i) ?? [];
    const parts = new Set([...loads, ...groups.flat()].map((offset) => asInt(floormod(offset, 4))));
    const vector = found !== undefined && parts.size > 1 && !parts.has(undefined) && words(4);
    return { per: vector ? 4 : 1, vector, atomic: false, volatile };
  });
}
