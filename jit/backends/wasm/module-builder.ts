/**
 * Builds a WebAssembly module: imports, functions and exports in, bytes or a listing out. Both are
 * byte-stable: the same calls give the same module, so bytes can be hashed and listings kept as golden files.
 */
import { QuernError } from '../../error.ts';
import { Bytes } from '../../bytes.ts';
import { type FuncRef, FunctionBuilder, type GlobalRef, type Signature, type TableRef, typeBytes } from './function-builder.ts';
import { functionListing, signatureText } from './listing.ts';
import type { ValType } from './opcodes.ts';

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
    const f = new FunctionBuilder(name, Object.entries(params).map(([p, type]) => ({ name: p, type })), results, (s) => this.#typeIndex(s));
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
    for (const f of this.#functions) code.sized((out) => { f.encode(out); });
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

  /** The module as text, close to WAT: one statement a line. Of functions that were not watched (code-watch.ts), their heads alone. */
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
