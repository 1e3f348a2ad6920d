/**
 * Functions as text for `inspect` and golden files: WAT's names, one statement a line (a line ends where the operand stack is
 * empty again), blocks indented. Depends on nothing but the code, so that equal code gives equal text. The code has to have been watched.
 */
import type { Item } from './code-watch.ts';
import type { FunctionBuilder, Signature } from './function-builder.ts';
import { instructions } from './opcodes.ts';

const widest = 120;

export const signatureText = ({ params, results }: Signature): string =>
  [params.length > 0 ? `(param ${params.join(' ')})` : '', results.length > 0 ? `(result ${results.join(' ')})` : ''].filter(Boolean).join(' ');

export function functionListing(f: FunctionBuilder, exported: boolean): string[] {
  const params = f.params.map((p) => ` (param $${p.name} ${p.type})`).join('');
  const results = f.results.length > 0 ? ` (result ${f.results.join(' ')})` : '';
  const lines = [`(func $${f.name}${exported ? ` (export "${f.name}")` : ''}${params}${results}`];
  const byType = new Map<string, string[]>();
  for (const l of f.locals.slice(f.params.length)) byType.set(l.type, [...(byType.get(l.type) ?? []), `$${l.name}`]);
  for (const [type, names] of byType) lines.push(...wrap(`  (local ${type}) `, names));

  let depth = 1;
  let line: string[] = [];
  const flush = (): void => {
    if (line.length > 0) lines.push(...wrap('  '.repeat(depth), line));
    line = [];
  };
  const show = (items: readonly Item[]): void => {
    for (const item of items) {
      if (item.kind === 'hole') {
        show(item.hole.items);
      } else if (item.kind === 'open') {
        const type = item.label.results.length > 0 ? ` (result ${item.label.results.join(' ')})` : '';
        line.push(`${item.op} $${item.label.name}${type}`);
        flush();
        depth++;
      } else if (item.kind === 'else' || item.kind === 'end') {
        flush();
        depth--;
        line.push(item.kind);
        if (item.kind === 'else') {
          flush();
          depth++;
        } else if (item.rests) {
          flush();
        }
      } else {
        line.push(itemText(item));
        if (item.rests) flush();
      }
    }
  };
  show(f.watch?.items ?? []);
  flush();
  lines.push(')');
  return lines;
}

function wrap(head: string, words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = head;
  for (const word of words) {
    if (line.length + word.length > widest && line.trim() !== '' && line !== head) {
      lines.push(line.trimEnd());
      line = `${' '.repeat(head.length - head.trimStart().length)}    `;
    }
    line += `${word}  `;
  }
  lines.push(line.trimEnd());
  return lines;
}

function itemText(item: Exclude<Item, { kind: 'hole' | 'open' | 'else' | 'end' }>): string {
  switch (item.kind) {
    case 'local': return `${item.op} $${item.local.name}`;
    case 'global': return `${item.op} $${item.global.name}`;
    case 'call': return `call $${item.func.name}`;
    case 'call_indirect': return `call_indirect $${item.table.name} ${signatureText(item.signature)}`;
    case 'branch': return `${item.op} $${item.label.name}`;
    case 'return': return 'return';
    case 'op': return opText(item);
    default: return item satisfies never;
  }
}

function opText({ op, immediate }: Extract<Item, { kind: 'op' }>): string {
  if (immediate === undefined) return op;
  if (typeof immediate === 'number') return `${op} ${Object.is(immediate, -0) ? '-0' : immediate}`;
  if (typeof immediate === 'bigint') return `${op} ${immediate}`;
  const found = instructions.get(op);
  if (found?.immediate === 'memory' || found?.immediate === 'memory-lane') {
    const [align = 0, offset = 0, lane] = immediate;
    const parts: string[] = [op];
    if (offset !== 0) parts.push(`offset=${offset}`);
    if (align !== found.align) parts.push(`align=${2 ** align}`);
    if (lane !== undefined) parts.push(String(lane));
    return parts.join(' ');
  }
  if (found?.immediate === 'v128') {
    const words = new Int32Array(Uint8Array.from(immediate).buffer);
    return `${op} i32x4 ${[...words].map((w) => `0x${(w >>> 0).toString(16).padStart(8, '0')}`).join(' ')}`;
  }
  return `${op} ${immediate.join(' ')}`;
}
