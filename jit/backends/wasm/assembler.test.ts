import { describe, expect, it } from 'vitest';
import { Bytes } from '../../bytes.ts';
import { FunctionBuilder, type Label } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';
import { type Opcode, instructions } from './opcodes.ts';

const fn = (): FunctionBuilder => new FunctionBuilder('f', [{ name: 'a', type: 'i32' }], [], () => 0);

/** A module with one function that runs one instruction on zeros. */
function moduleOf(name: string): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder();
  m.importMemory('env', 'memory', { min: 1, max: 1, shared: true });
  const found = instructions.get(name);
  if (found === undefined) throw new Error(name);
  const op = name as Opcode;
  m.func('f', {}, [], (f) => {
    for (const type of found.params) {
      if (type === 'i32') f.i32(0);
      else if (type === 'i64') f.i64(0);
      else if (type === 'f32') f.f32(0);
      else if (type === 'f64') f.f64(0);
      else f.v128(new Uint8Array(16));
    }
    if (name === 'drop') f.i32(0);
    if (name === 'select') { f.i32(0); f.i32(0); f.i32(0); }
    switch (found.immediate) {
      case 'memory': f.mem(op as 'i32.load'); break;
      case 'memory-lane': f.memLane(op as 'v128.load32_lane', 0); break;
      case 'lane': f.laneOp(op, found.lanes - 1); break;
      case 'shuffle': f.shuffle(Array.from({ length: 16 }, (_, i) => i * 2)); break;
      case 'i32': f.i32(-1); break;
      case 'i64': f.i64(-(2n ** 63n)); break;
      case 'f32': f.f32(0.1); break;
      case 'f64': f.f64(0.1); break;
      case 'v128': f.v128(new Uint8Array(16)); break;
      case 'none': f.op(op); break;
      default: found.immediate satisfies never;
    }
    for (let i = 0; i < (name === 'select' ? 1 : found.results.length); i++) f.op('drop');
  });
  return m.encode();
}

describe('the instruction table', () => {
  const relaxed = [...instructions.keys()].filter((n) => n.includes('relaxed'));
  it('names every code once', () => {
    const codes = [...instructions.values()].map((i) => `${i.prefix} ${i.code}`);
    expect(new Set(codes).size).toBe(instructions.size);
  });
  it('every instruction validates with its types', () => {
    const refused = [...instructions.keys()].filter((n) => !relaxed.includes(n) && !WebAssembly.validate(moduleOf(n)));
    expect(refused).toEqual([]);
  });
});

describe('the stack is checked while code is built', () => {
  it('a wrong type names the instruction', () => {
    const f = fn();
    f.i32(1);
    f.i64(2);
    expect(() => f.op('i32.add')).toThrow('in function $f: i32.add: expected i32 on the stack, got i64');
  });
  it('a missing operand', () => expect(() => fn().op('f32.sqrt')).toThrow('f32.sqrt: expected f32 on the stack, got nothing'));
  it('operands of the block around are out of reach', () => {
    const f = fn();
    f.i32(1);
    expect(() => f.block(() => f.op('drop'))).toThrow('drop: expected a value on the stack, got nothing');
  });
  it('what a block leaves behind', () => {
    const f = fn();
    expect(() => f.block(() => f.i32(1))).toThrow('end of block1: i32 left on the stack');
  });
  it('arms of an if give its results', () => {
    const f = fn();
    f.get(f.param(0));
    expect(() => f.if(() => f.i32(1), () => f.f32(1), ['i32'])).toThrow('end of else of if1: expected i32 on the stack, got f32');
  });
  it('a local of another function', () => expect(() => fn().get(fn().local('i32', 'x'))).toThrow('$x is a local of another function'));
  it('a branch out of nowhere', () => {
    const f = fn();
    const outside: Label[] = [];
    f.block((label) => { outside.push(label); });
    expect(() => { outside.forEach((label) => { f.br(label); }); }).toThrow('no such label around a branch');
  });
  it('code after a branch may pop what is not there', () => {
    const f = fn();
    f.block((label) => { f.br(label); f.op('i32.add'); f.op('drop'); });
    f.finish();
    expect(f.watch?.items.length).toBe(5);
  });
  it('offsets are unsigned', () => expect(() => { const f = fn(); f.i32(0); f.mem('i32.load', { offset: -4 }); }).toThrow('offset -4'));
  it('a hole must balance', () => {
    const f = fn();
    const hole = f.hole();
    expect(() => f.into(hole, () => f.i32(1))).toThrow('code in a hole leaves i32 on the stack');
  });
});

describe('memory instructions', () => {
  const written = (...[name, at]: Parameters<FunctionBuilder['mem']>): string => {
    const f = fn();
    f.i32(0);
    f.mem(name, at);
    f.op('drop');
    return codeOf(f);
  };
  const codeOf = (f: FunctionBuilder): string => {
    f.finish();
    const out = new Bytes();
    f.encode(out);
    return [...out.done()].join(' ');
  };
  it('have the natural alignment, or the one that is known', () => {
    expect(written('i32.load')).toBe('0 65 0 40 2 0 26 11');
    expect(written('i32.load', { align: 1, offset: 5 })).toBe('0 65 0 40 0 5 26 11');
  });
  it.each([[{}, '2 0'], [{ align: 1, offset: 5 }, '0 5']])('of a lane as well: %o', (at, expected) => {
    const f = fn();
    f.i32(0);
    f.v128(new Uint8Array(16));
    f.memLane('v128.store32_lane', 3, at);
    expect(codeOf(f)).toMatch(new RegExp(` 253 90 ${expected} 3 11$`));
  });
});

describe('modules', () => {
  const build = (): ModuleBuilder => {
    const m = new ModuleBuilder();
    const log = m.importFunction('env', 'log', { params: ['i32'], results: [] });
    const table = m.importTable('env', 'kernels', 2);
    m.func('square', { x: 'i32' }, ['i32'], (f) => {
      f.get(f.param(0));
      f.get(f.param(0));
      f.op('i32.mul');
    }, true);
    m.func('sum', { n: 'i32' }, ['i32'], (f) => {
      const hole = f.hole();
      const total = f.local('i32', 'total');
      const i = f.local('i32', 'i');
      const step = f.local('i32', 'step');
      f.loop((again) => {
        f.get(total);
        f.get(i);
        f.i32(1);
        f.callIndirect(table, { params: ['i32'], results: ['i32'] });
        f.op('i32.add');
        f.set(total);
        f.get(i);
        f.get(step);
        f.op('i32.add');
        f.tee(i);
        f.get(f.param(0));
        f.op('i32.le_s');
        f.brIf(again);
      });
      f.into(hole, () => { f.i32(1); f.set(step); });
      f.get(total);
      f.call(log);
      f.get(total);
    }, true);
    return m;
  };
  it('run: sum of squares through a table, a constant from a hole', () => {
    const seen: number[] = [];
    const kernels = new WebAssembly.Table({ element: 'anyfunc', initial: 2 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(build().encode()), { env: { kernels, log: (v: number) => { seen.push(v); } } });
    kernels.set(1, instance.exports['square']);
    const sum = instance.exports['sum'] as (n: number) => number;
    expect(sum(4)).toBe(30);
    expect(seen).toEqual([30]);
  });
  it('are byte-stable', () => expect(build().encode()).toEqual(build().encode()));
  it('have a readable listing', async () => {
    await expect(build().listing()).toMatchFileSnapshot('__golden__/assembler.wat');
  });
});
