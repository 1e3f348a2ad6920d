/**
 * Builds a WebAssembly module: imports, functions and exports in, bytes or a listing out. Both are
 * byte-stable: the same calls give the same module, so bytes can be hashed and listings kept as golden files.
 */
import { QuernError } from '../../error.ts';
import { Bytes } from '../../bytes.ts';
import { type FuncRef, FunctionBuilder, type GlobalRef, type Immediates, type Item, type Signature, type TableRef } from './function-builder.ts';
import { functionListing, signatureText } from './listing.ts';
import type { Instruction, ValType } from './opcodes.ts';

export interface MemoryLimits {
  /** Pages of 64 KiB. */
  readonly min: number;
  readonly max: number;
  readonly shared: boolean;
}

type Import =
  | { readonly kind: 'func'; readonly from: string; readonly field: string; readonly ref: FuncRef }
  | { readonly kind: 'memory'; readonly from: string; readonly field: string; readonly limits: MemoryLimits }
  | { readonly kind: 'table'; readonly from: string; readonly field: string; readonly ref: TableRef; readonly min: number }
  | { readonly kind: 'global'; readonly from: string; readonly field: string; readonly ref: GlobalRef };

const typeBytes: Readonly<Record<ValType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export class ModuleBuilder {
  readonly #imports: Import[] = [];
  readonly #functions: FunctionBuilder[] = [];
  readonly #exports: FuncRef[] = [];
  readonly #types: Signature[] = [];

  importMemory(from: string, field: string, limits: MemoryLimits): void {
    this.#imports.push({ kind: 'memory', from, field, limits });
  }

  importFunction(from: string, field: string, signature: Signature): FuncRef {
    if (this.#functions.length > 0) throw new QuernError('internal', 'functions are imported first', { got: field });
    const ref = { index: this.#imported('func'), name: field, signature };
    this.#imports.push({ kind: 'func', from, field, ref });
    return ref;
  }

  importTable(from: string, field: string, min: number): TableRef {
    const ref = { index: this.#imported('table'), name: field };
    this.#imports.push({ kind: 'table', from, field, ref, min });
    return ref;
  }

  /** An i32 global that does not change. */
  importGlobal(from: string, field: string): GlobalRef {
    const ref: GlobalRef = { index: this.#imported('global'), name: field, type: 'i32' };
    this.#imports.push({ kind: 'global', from, field, ref });
    return ref;
  }

  /** Imports come first in the numbering of their kind. */
  #imported(kind: Import['kind']): number {
    return this.#imports.filter((i) => i.kind === kind).length;
  }

  /** Defines a function; `exported` puts it among the exports under its own name. */
  func(
    name: string, params: Readonly<Record<string, ValType>>, results: readonly ValType[], build: (f: FunctionBuilder) => void, exported = false,
  ): FuncRef {
    const f = new FunctionBuilder(name, Object.entries(params).map(([p, type]) => ({ name: p, type })), results);
    const ref = { index: this.#imported('func') + this.#functions.length, name, signature: f.signature };
    this.#functions.push(f);
    build(f);
    f.finish();
    if (exported) this.#exports.push(ref);
    return ref;
  }

  #typeIndex(signature: Signature): number {
    const same = (t: Signature): boolean => signatureText(t) === signatureText(signature);
    const known = this.#types.findIndex(same);
    return known >= 0 ? known : this.#types.push(signature) - 1;
  }

  /** The module in the binary format. */
  encode(): Uint8Array<ArrayBuffer> {
    const code = new Bytes();
    code.u32(this.#functions.length);
    for (const f of this.#functions) code.sized((out) => this.#encodeFunction(f, out));
    const functionTypes = this.#functions.map((f) => this.#typeIndex(f.signature));
    const importTypes = this.#imports.map((i) => (i.kind === 'func' ? this.#typeIndex(i.ref.signature) : 0));

    const out = new Bytes();
    out.all([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, count: number, fill: (inner: Bytes) => void): void => {
      if (count === 0) return;
      out.byte(id);
      out.sized((inner) => { inner.u32(count); fill(inner); });
    };
    section(1, this.#types.length, (s) => {
      for (const { params, results } of this.#types) {
        s.byte(0x60);
        for (const list of [params, results]) {
          s.u32(list.length);
          for (const type of list) s.byte(typeBytes[type]);
        }
      }
    });
    section(2, this.#imports.length, (s) => this.#imports.forEach((i, at) => encodeImport(i, importTypes[at] ?? 0, s)));
    section(3, functionTypes.length, (s) => { for (const t of functionTypes) s.u32(t); });
    section(7, this.#exports.length, (s) => {
      for (const e of this.#exports) {
        s.name(e.name);
        s.byte(0);
        s.u32(e.index);
      }
    });
    if (this.#functions.length > 0) {
      out.byte(10);
      out.u32(code.length);
      out.all(code.done());
    }
    return out.done();
  }

  #encodeFunction(f: FunctionBuilder, out: Bytes): void {
    const declared = f.locals.slice(f.params.length);
    const runs: { type: ValType; count: number }[] = [];
    for (const { type } of declared) {
      const last = runs[runs.length - 1];
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.u32(runs.length);
    for (const { type, count } of runs) {
      out.u32(count);
      out.byte(typeBytes[type]);
    }
    this.#encodeItems(f.items, out);
    out.byte(0x0b);
  }

  #encodeItems(items: readonly Item[], out: Bytes): void {
    items.forEach((item) => { this.#encodeItem(item, out); });
  }

  /** No loops, and one place that writes what most items are: a browser compiles this with all that it calls, 100 ms of a core where it is long. */
  #encodeItem(item: Item, out: Bytes): void {
    let code = 0;
    let index: number | undefined;
    switch (item.kind) {
      case 'hole': this.#encodeItems(item.hole.items, out); return;
      case 'op': encodeOp(item, out); return;
      case 'open': this.#encodeOpen(item, out); return;
      case 'call_indirect':
        out.byte(0x11);
        out.u32(this.#typeIndex(item.signature));
        out.u32(item.table.index);
        return;
      case 'local':
        code = item.op === 'local.get' ? 0x20 : item.op === 'local.set' ? 0x21 : 0x22;
        ({ index } = item.local);
        break;
      case 'global':
        code = 0x23;
        ({ index } = item.global);
        break;
      case 'call':
        code = 0x10;
        ({ index } = item.func);
        break;
      case 'branch':
        code = item.op === 'br' ? 0x0c : 0x0d;
        index = item.depth;
        break;
      case 'return': code = 0x0f; break;
      case 'else': code = 0x05; break;
      case 'end': code = 0x0b; break;
      default: item satisfies never;
    }
    out.byte(code);
    if (index !== undefined) out.u32(index);
  }

  #encodeOpen({ op, label: { results } }: Extract<Item, { kind: 'open' }>, out: Bytes): void {
    out.byte(op === 'block' ? 0x02 : op === 'loop' ? 0x03 : 0x04);
    const [first, ...more] = results;
    if (first === undefined) out.byte(0x40);
    else if (more.length === 0) out.byte(typeBytes[first]);
    else out.signed(this.#typeIndex({ params: [], results }));
  }

  /** The module as text, close to WAT: one statement a line. */
  listing(): string {
    const lines: string[] = [];
    for (const i of this.#imports) {
      const what = i.kind === 'func' ? `func $${i.field} ${signatureText(i.ref.signature)}`
        : i.kind === 'memory' ? `memory ${i.limits.min} ${i.limits.max}${i.limits.shared ? ' shared' : ''}`
          : i.kind === 'table' ? `table $${i.field} ${i.min} funcref`
            : `global $${i.field} i32`;
      lines.push(`(import "${i.from}" "${i.field}" (${what}))`);
    }
    for (const f of this.#functions) {
      lines.push(...functionListing(f, this.#exports.some((e) => e.name === f.name)));
    }
    return `${lines.join('\n')}\n`;
  }
}

function encodeImport(item: Import, type: number, out: Bytes): void {
  out.name(item.from);
  out.name(item.field);
  switch (item.kind) {
    case 'func':
      out.byte(0);
      out.u32(type);
      break;
    case 'table':
      out.byte(1);
      out.byte(0x70);
      out.byte(0);
      out.u32(item.min);
      break;
    case 'memory':
      out.byte(2);
      out.byte(item.limits.shared ? 3 : 1);
      out.u32(item.limits.min);
      out.u32(item.limits.max);
      break;
    case 'global': out.all([3, typeBytes.i32, 0]); break;
    default: item satisfies never;
  }
}

function encodeOp({ found: { prefix, code, immediate: kind }, immediate }: Extract<Item, { kind: 'op' }>, out: Bytes): void {
  if (prefix !== 0) {
    out.byte(prefix);
    out.u32(code);
  } else out.byte(code);
  if (kind !== 'none') encodeImmediate(kind, immediate, out);
}

function encodeImmediate(kind: Exclude<Instruction['immediate'], 'none'>, immediate: Immediates, out: Bytes): void {
  const numbers = Array.isArray(immediate) ? (immediate as readonly number[]) : [];
  const scalar = typeof immediate === 'number' ? immediate : 0;
  switch (kind) {
    case 'memory': case 'memory-lane': numbers.forEach((n) => { out.u32(n); }); break;
    case 'lane': case 'shuffle': case 'v128': out.all(numbers); break;
    case 'i32': out.signed(scalar); break;
    case 'i64': out.signed(typeof immediate === 'bigint' ? immediate : 0n); break;
    case 'f32': out.f32(scalar); break;
    case 'f64': out.f64(scalar); break;
    default: kind satisfies never;
  }
}
