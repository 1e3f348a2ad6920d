/**
 * Random models of typical operators, as model files. Input: choices. Output: the literal that build-model.ts writes, and feeds for one
 * to three sets of dims. Shapes are carried as the values of each dim in every run, so that operators are given only what fits.
 */
import type { DType } from '../../jit/expr/dtype.ts';
import type { Choices } from '../../jit/fuzz/choices.ts';
import { type AttributeLiteral, type ModelLiteral, type NodeLiteral, type TensorLiteral, node, tensor } from '../load/testing/build-model.ts';
import { type FixtureTensor, Seeded } from '../testing/fixture.ts';

/** A dim: what it is called while it is the same thing, and its size in each run. */
export interface Dim {
  readonly key: string;
  readonly sizes: readonly number[];
}

export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly Dim[];
}

export interface RandomModel {
  readonly literal: ModelLiteral;
  /** One set of feeds for each run. */
  readonly feeds: readonly Readonly<Record<string, FixtureTensor>>[];
  readonly symbols: Readonly<Record<string, readonly number[]>>;
  /** Results may differ in rounding between sets of passes: float16 between kernels, folded normalisation, sums of one column in another order. */
  readonly rounds: { readonly half: boolean; readonly reordered: boolean };
}

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17];
/** Elements of a tensor. */
const most = 2500;

export class GraphMaker {
  readonly nodes: NodeLiteral[] = [];
  readonly values: Value[] = [];
  readonly initializers: Record<string, TensorLiteral> = {};
  readonly inputs: Value[] = [];
  readonly runs: number;
  readonly opset: number;
  readonly seeded: Seeded;
  readonly symbols: Record<string, readonly number[]> = {};
  half = false;
  reordered = false;
  #names = 0;

  constructor(readonly c: Choices) {
    this.runs = 1 + c.below(3);
    this.opset = c.pick([17, 13, 18, 20, 21]);
    this.seeded = new Seeded(c.below(1000) + 1);
    for (const name of ['N', 'S'].slice(0, c.below(3))) {
      this.symbols[name] = Array.from({ length: this.runs }, () => c.pick([2, 1, 3, 5, 8, 11]));
    }
    const count = c.int(1, 3);
    for (let i = 0; i < count; i++) this.#input(i);
  }

  fixed(n: number): Dim {
    return { key: `=${n}`, sizes: Array.from({ length: this.runs }, () => n) };
  }

  /** A dim that some operator makes: its own thing unless it is the same number in a static way. */
  derived(from: readonly Dim[], size: (...sizes: number[]) => number): Dim {
    const values = Array.from({ length: this.runs }, (_, r) => size(...from.map((d) => d.sizes[r] ?? 0)));
    return from.every((d) => isStatic(d)) ? this.fixed(values[0] ?? 0) : { key: `?${this.#names++}`, sizes: values };
  }

  #input(i: number): void {
    const { c } = this;
    const rank = c.int(1, 4);
    const names = Object.keys(this.symbols);
    const dims: Dim[] = [];
    for (let d = 0; d < rank; d++) {
      const name = names.length > 0 && c.chance(30) ? c.pick(names) : undefined;
      const size = c.pick(sizes);
      const dim = name === undefined ? this.fixed(size) : { key: name, sizes: this.symbols[name] ?? [] };
      dims.push(this.elements([...dims, dim]) <= most ? dim : this.fixed(1));
    }
    const kind = c.below(12);
    const dtype: DType = kind === 11 ? 'float16' : kind === 10 ? 'int64' : kind === 9 ? 'uint8' : 'float32';
    if (dtype === 'float16') this.half = true;
    const value = { name: `x${i}`, dtype, dims };
    this.inputs.push(value);
    this.values.push(value);
  }

  elements(dims: readonly Dim[]): number {
    return Math.max(...Array.from({ length: this.runs }, (_, r) => dims.reduce((n, d) => n * (d.sizes[r] ?? 0), 1)));
  }

  name(): string {
    return `v${this.#names++}`;
  }

  /** Some value that `fits`, rather a recent one. */
  find(fits: (v: Value) => boolean): Value | undefined {
    const list = this.values.filter(fits);
    if (list.length === 0) return undefined;
    return list[list.length - 1 - Math.min(this.c.below(list.length), this.c.below(list.length))];
  }

  float(fits: (v: Value) => boolean = () => true): Value | undefined {
    return this.find((v) => (v.dtype === 'float32' || v.dtype === 'float16') && fits(v));
  }

  weight(dims: readonly number[], scale = 1, center = 0, dtype: DType = 'float32'): string {
    const name = this.name();
    this.initializers[name] = dtype === 'float16' ? this.seeded.halves(dims, scale) : this.seeded.floats(dims, scale, center);
    return name;
  }

  /** A constant: a vector of int64, or another type by `tensor`. */
  ints(values: readonly number[], scalar = false): string {
    const name = this.name();
    this.initializers[name] = tensor('int64', scalar ? [] : [values.length], values);
    return name;
  }

  scalar(value: number, like: DType): string {
    const name = this.name();
    this.initializers[name] = like === 'float16' ? this.seeded.halves([], value) : tensor(like, [], [value]);
    return name;
  }

  /** Adds a node with one result; undefined if the result would be too large. */
  emit(
    op: string, inputs: readonly (Value | string)[], dims: readonly Dim[], dtype: DType,
    attributes: Readonly<Record<string, AttributeLiteral>> = {}, domain?: string,
  ): Value | undefined {
    if (this.elements(dims) > most) return undefined;
    const name = this.name();
    this.nodes.push(node(op, inputs.map((v) => (typeof v === 'string' ? v : v.name)), name, attributes, {
      name: `${op}_${this.nodes.length}`, ...(domain === undefined ? {} : { domain }),
    }));
    const made = { name, dtype, dims };
    this.values.push(made);
    return made;
  }

  /** Adds a node with several results. */
  several(op: string, inputs: readonly string[], outputs: readonly Value[], attributes: Readonly<Record<string, AttributeLiteral>>): void {
    this.nodes.push(node(op, inputs, outputs.map((v) => v.name), attributes, { name: `${op}_${this.nodes.length}` }));
    this.values.push(...outputs);
  }

  finish(): RandomModel {
    const { c } = this;
    const used = new Set(this.nodes.flatMap((n) => n.inputs));
    const last = this.values.filter((v) => !used.has(v.name));
    const chosen = new Set(last.filter((v) => !this.inputs.includes(v)).slice(-3));
    // Results that others read as well, now and then an input.
    for (const v of this.values) if (chosen.size === 0 || (chosen.size < 4 && c.chance(12))) chosen.add(v);
    const type = (v: Value): string => `${v.dtype}[${v.dims.map((d) => (isStatic(d) ? d.key.slice(1) : d.key)).join(', ')}]`;
    return {
      literal: {
        opset: { '': this.opset, 'com.microsoft': 1 },
        inputs: Object.fromEntries(this.inputs.map((v) => [v.name, type(v)])),
        outputs: Object.fromEntries([...chosen].map((v) => [v.name, v.dtype])),
        initializers: this.initializers, nodes: this.nodes,
      },
      feeds: Array.from({ length: this.runs }, (_, r) => Object.fromEntries(this.inputs.map((v) => [v.name, this.#feed(v, r)]))),
      symbols: this.symbols, rounds: { half: this.half, reordered: this.reordered },
    };
  }

  #feed({ dtype, dims }: Value, run: number): FixtureTensor {
    const shape = dims.map((d) => d.sizes[run] ?? 0);
    if (dtype === 'float32') return this.seeded.floats(shape, 2);
    if (dtype === 'float16') return this.seeded.halves(shape, 2);
    return this.seeded.integers(dtype, shape, 0, 4);
  }
}

export const isStatic = (d: Dim): boolean => d.key.startsWith('=');
export const sizeOf = (d: Dim): number => d.sizes[0] ?? 0;
