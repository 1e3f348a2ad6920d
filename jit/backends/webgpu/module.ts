/**
 * A whole WGSL module around an emitter's statements: extensions, buffers, dims, library functions, entry point. Input: a kernel and a
 * function that writes its body; output: the text, the number of workgroups as an expression of the kernel's dims, and how
 * buffers are bound. The body is written twice (writer.ts); arrays of known size are declared with it, which is worth up to 10 %.
 */
import { type Constants, include } from '../../../shaders/library.ts';
import type { DeviceProfile } from '../../device.ts';
import { QuernError } from '../../error.ts';
import { type Expr, asInt } from '../../expr/expr.ts';
import type { Arg, Kernel } from '../../kernel.ts';
import { wordType } from './storage.ts';
import { type Slot, Writer, slotsFor } from './writer.ts';

/** Workgroups of one dimension; beyond that the grid is folded into two. */
export const mostWorkgroups = 65535;

/** What an emitter says about the module around its statements. */
export interface Shell {
  readonly workgroup: number;
  /** Workgroups in total, in terms of the kernel's dims. */
  readonly groups: Expr;
  readonly constants?: Constants;
  /** subgroup_id and num_subgroups are wanted. */
  readonly subgroups?: boolean;
}

/** Writes statements; `group` and `lid` (i32) are the workgroup's number and the invocation's number in it, `lane` is lid as u32. */
export type Emitter = (writer: Writer) => Shell;

export interface WgslModule {
  readonly text: string;
  readonly groups: Expr;
  readonly access: readonly ('read' | 'write')[];
  readonly dims: boolean;
}

export function makeModule(kernel: Kernel, emit: Emitter): WgslModule {
  const first = new Writer(kernel, slotsFor(kernel, undefined), undefined);
  begin(first);
  emit(first);
  const slots = slotsFor(kernel, first.found);
  const writer = new Writer(kernel, slots, first.found);
  begin(writer);
  const shell = emit(writer);
  const library = include(writer.calls, shell.constants);
  const folded = (asInt(shell.groups) ?? Infinity) > mostWorkgroups;
  const builtins = [
    '@builtin(workgroup_id) wid: vec3<u32>', '@builtin(local_invocation_index) lane: u32',
    ...(shell.subgroups === true ? ['@builtin(subgroup_id) subgroup: u32', '@builtin(num_subgroups) subgroups: u32'] : []),
  ];
  const lines = [
    ...library.enables.map((e) => `enable ${e};`),
    ...kernel.args.map((arg, i) => buffer(arg, i, slots[i])),
    ...dimsBlock(kernel),
    ...writer.globals,
    ...(library.text === '' ? [] : [library.text]),
    `@compute @workgroup_size(${shell.workgroup})`,
    `fn main(${builtins.join(', ')}) {`,
    `  let group = i32(wid.x${folded ? ` + wid.y * ${mostWorkgroups}u` : ''});`,
    '  let lid = i32(lane);',
    ...writer.text(),
    '}',
    '',
  ];
  return {
    text: lines.join('\n'), groups: shell.groups, dims: kernel.syms.length > 0,
    access: kernel.args.map((arg) => (arg.access === 'read' ? 'read' : 'write')),
  };
}

function begin(writer: Writer): void {
  for (const s of writer.kernel.syms) writer.bind(s, `dims.${s.name}`);
}

function buffer(arg: Arg, i: number, slot: Slot | undefined): string {
  if (slot === undefined) throw new QuernError('internal', 'an argument has no slot');
  const word = wordType(arg.dtype);
  const type = slot.atomic ? `atomic<${word}>` : slot.vector ? `vec4<${word}>` : word;
  const elements = extent(arg);
  const size = elements === undefined ? '' : `, ${Math.max(1, Math.ceil(elements / slot.per))}`;
  return `@group(0) @binding(${i}) var<storage, ${arg.access === 'read' ? 'read' : 'read_write'}> t${i}: array<${type}${size}>;`;
}

/** Elements from the first to the last of an argument, where known. */
function extent(arg: Arg): number | undefined {
  let last = 0;
  for (const [d, size] of arg.shape.entries()) {
    const [n, step] = [asInt(size), asInt(arg.strides[d] ?? size)];
    if (n === undefined || step === undefined) return undefined;
    if (n === 0) return 0;
    last += (n - 1) * step;
  }
  return last + 1;
}

function dimsBlock(kernel: Kernel): string[] {
  if (kernel.syms.length === 0) return [];
  return [
    `struct Dims { ${kernel.syms.map((s) => `${s.name}: i32`).join(', ')} }`,
    `@group(0) @binding(${kernel.args.length}) var<uniform> dims: Dims;`,
  ];
}

/** Is any workgroup beyond the work possible? Then stores need a guard whatever the sizes. */
export const isFolded = (groups: Expr): boolean => (asInt(groups) ?? Infinity) > mostWorkgroups;

/** The largest workgroup a device takes. */
export const workgroupLimit = (profile: DeviceProfile): number =>
  Math.min(profile.limits['maxComputeInvocationsPerWorkgroup'] ?? 256, profile.limits['maxComputeWorkgroupSizeX'] ?? 256);

/** A feature of profiles, not of WebGPU: the adapter is a CPU, where a barrier saves and restores every invocation. */
export const software = 'fallback-adapter';
