/**
 * Checks a tensor program: every tensor is written once and before it is read, loads and stores agree with the tensors they name in
 * type and rank, axes have different names, references have a definition. Runs after lowering and after every pass; throws `internal`, naming
 * stage, node and tensor, since a program that fails is a bug of ours.
 */
import { QuernError } from '../../jit/error.ts';
import type { Load } from '../../jit/expr/expr.ts';
import { text } from '../../jit/expr/text.ts';
import { collect, isRef, isVar } from '../../jit/expr/visit.ts';
import { type Body, type Stmt, allAxes, expressions, loadsOf, stores } from '../../jit/kernel.ts';
import type { Computation, Program, TensorDef } from './program.ts';

export function verifyProgram(program: Program, stage: string): void {
  const ready = new Set<number>();
  for (const def of program.tensors.values()) if (def.source.kind !== 'computed') ready.add(def.id);
  for (const c of program.computations) {
    const fail = (message: string, expected?: string, got?: string): never => {
      const { node = '', op = '' } = c.origins.at(-1) ?? {};
      throw new QuernError('internal', `after ${stage}: ${message}`, {
        node, op, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }),
      });
    };
    const def = (id: number): TensorDef => program.tensors.get(id) ?? fail(`tensor t${id} has no definition`);
    for (const from of c.initial?.values() ?? []) if (typeof from === 'number' && !ready.has(from)) fail(`t${from} is read before it is written`);
    for (const l of loadsOf(c.body)) checkLoad(l, c, def, ready, fail);
    for (const s of stores(c.body)) {
      if (!c.outputs.includes(s.tensor)) fail(`a store to t${s.tensor}, which is no output`);
      const target = def(s.tensor);
      if (s.index.length !== target.shape.length) fail(`a store to t${s.tensor} has the wrong rank`, String(target.shape.length), String(s.index.length));
      if (s.value.dtype !== target.dtype) fail(`a store to t${s.tensor} has the wrong type`, target.dtype, s.value.dtype);
    }
    checkNames(c.body, fail);
    for (const id of c.outputs) {
      if (def(id).source.kind !== 'computed') fail(`t${id} is written, but it is no computed tensor`);
      if (ready.has(id)) fail(`t${id} is written twice`);
      ready.add(id);
    }
  }
  for (const { name, tensor } of program.outputs) {
    if (!ready.has(tensor)) throw new QuernError('internal', `after ${stage}: output '${name}' is never written`);
  }
}

type Fail = (message: string, expected?: string, got?: string) => never;

function checkLoad(l: Load, c: Computation, def: (id: number) => TensorDef, ready: ReadonlySet<number>, fail: Fail): void {
  const { dtype, shape } = def(l.tensor);
  if (!ready.has(l.tensor) && !c.outputs.includes(l.tensor)) fail(`t${l.tensor} is read before it is written`);
  if (l.index.length !== shape.length) fail(`a load of t${l.tensor} has the wrong rank`, String(shape.length), String(l.index.length));
  if (l.dtype !== dtype) fail(`a load of t${l.tensor} has the wrong type`, dtype, l.dtype);
  const odd = l.index.find((i) => i.dtype !== 'index');
  if (odd !== undefined) fail(`a load of t${l.tensor} has an index of the wrong type`, 'index', `${odd.dtype} ${text(odd)}`);
}

/** Bodies whose names are in order: passes hand most of them on as they are, and names depend on nothing else. */
const inOrder = new WeakSet<Body>();

function checkNames(body: Body, fail: Fail): void {
  if (inOrder.has(body)) return;
  const axes = allAxes(body);
  const own = new Map(axes.map((a) => [a.name, a]));
  if (body.kind !== 'loop' && own.size !== axes.length) fail('two axes have one name', undefined, axes.map((a) => a.name).join(', '));
  const stray = collect(expressions(body), isVar).find((v) => !axes.includes(v));
  if (stray !== undefined) fail(`variable ${stray.name} is no axis of the body`, axes.map((a) => a.name).join(', '), stray.name);
  const known = new Set(localNames(body));
  const loose = collect(expressions(body), isRef).find((r) => !known.has(r.name));
  if (loose !== undefined) fail(`%${loose.name} has no definition`, [...known].join(', '), loose.name);
  inOrder.add(body);
}

function localNames(body: Body): string[] {
  if (body.kind === 'contraction') return ['acc'];
  if (body.kind === 'rows') return body.scans.map((s) => s.name);
  const inStmts = (stmts: readonly Stmt[]): string[] => stmts.flatMap((s) => {
    switch (s.do) {
      case 'let': return [s.name];
      case 'for': case 'while': return inStmts(s.body);
      case 'if': return [...inStmts(s.then), ...inStmts(s.else)];
      case 'set': case 'store': return [];
      default: return s satisfies never;
    }
  });
  return body.kind === 'loop' ? inStmts(body.body) : [];
}
