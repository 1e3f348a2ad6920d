/**
 * Random programs of loops and branches over lists of small whole numbers, and what they compute in plain JavaScript. Lists differ in length
 * from step to step and branch to branch. Numbers stay whole and small, so that every engine gives them exactly.
 */
import { Choices } from '../../jit/fuzz/choices.ts';
import type { GraphSpec, NodeSpec, PartSpec } from './graphs.ts';

type Lists = ReadonlyMap<string, readonly number[]>;
/** What a statement adds to a graph, and what it does to lists. */
interface Statement { readonly nodes: readonly NodeSpec[]; readonly run: (lists: Map<string, readonly number[]>) => void }

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
const most = 6;

class Writer {
  #names = 0;
  constructor(readonly choices: Choices) {}

  name(stem: string): string {
    return `${stem}${this.#names++}`;
  }

  /** Statements that end with `results` new lists; `seen` are lists that they may read. */
  part(depth: number, seen: readonly string[], results: number): { readonly statements: Statement[]; readonly results: string[] } {
    const names = [...seen];
    const statements: Statement[] = [];
    for (let n = this.choices.int(1, 3) + results; n > 0; n--) {
      const out = this.name('v');
      statements.push(this.statement(depth, names, out));
      names.push(out);
    }
    return { statements, results: names.slice(-results) };
  }

  statement(depth: number, names: readonly string[], out: string): Statement {
    const pick = (): string => names[this.choices.below(names.length)] ?? '';
    const [a, b] = [pick(), pick()];
    const at = (lists: Lists, name: string): readonly number[] => lists.get(name) ?? [];
    switch (this.choices.below(depth > 0 ? 6 : 4)) {
      case 0: return { nodes: [['Neg', a, out]], run: (l) => l.set(out, at(l, a).map((v) => -v)) };
      case 1: {
        const t = this.name('t');
        return {
          nodes: [['Concat', `${a} ${b}`, t, { axis: 0 }], ['Slice', `${t} zero most`, out]],
          run: (l) => l.set(out, [...at(l, a), ...at(l, b)].slice(0, most)),
        };
      }
      case 2: {
        const [s, t] = [this.name('s'), this.name('t')];
        return {
          nodes: [['ReduceSum', `${b} zero`, s, { keepdims: 1 }], ['Add', `${a} ${s}`, t], ['Mod', `${t} seven`, out, { fmod: 1 }]],
          run: (l) => l.set(out, at(l, a).map((v) => (v + sum(at(l, b))) % 7)),
        };
      }
      case 3: return { nodes: [['Slice', `${a} one most`, out]], run: (l) => l.set(out, at(l, a).slice(1, most)) };
      case 4: return this.branch(depth, names, a, out);
      default: return this.loop(depth, names, a, b, out);
    }
  }

  branch(depth: number, names: readonly string[], a: string, out: string): Statement {
    const [s, c] = [this.name('s'), this.name('c')];
    const parts = [0, 1].map(() => this.part(depth - 1, names, 1));
    const spec = (k: number): PartSpec => ({ outputs: parts[k]?.results[0] ?? '', nodes: parts[k]?.statements.flatMap((st) => st.nodes) ?? [] });
    return {
      nodes: [
        ['ReduceSum', `${a} zero`, s, { keepdims: 0 }], ['Greater', `${s} none`, c], ['If', c, out, { then_branch: spec(0), else_branch: spec(1) }],
      ],
      run: (l) => {
        const part = parts[sum(l.get(a) ?? []) > 0 ? 0 : 1];
        const inner = new Map(l);
        for (const st of part?.statements ?? []) st.run(inner);
        l.set(out, inner.get(part?.results[0] ?? '') ?? []);
      },
    };
  }

  /** Two states, a bound on the steps, an end that the data may bring, and the sums of the first state on the way. */
  loop(depth: number, names: readonly string[], a: string, b: string, out: string): Statement {
    const [i, go, x, y, s, more, last, sums, t] = ['i', 'go', 'x', 'y', 's', 'more', 'last', 'sums', 't'].map((stem) => this.name(stem));
    if (i === undefined || go === undefined || x === undefined || y === undefined || s === undefined) throw new Error('no names');
    const limit = this.choices.below(2) === 0 ? 'three' : 'n';
    const { statements, results: [p = '', q = ''] } = this.part(depth - 1, [...names, x, y], 2);
    const body: PartSpec = {
      inputs: `${i} ${go} ${x} ${y}`, outputs: `${more} ${p} ${q} ${s}`,
      nodes: [...statements.flatMap((st) => st.nodes), ['ReduceSum', `${p} zero`, s, { keepdims: 0 }], ['Less', `${s} five`, more ?? '']],
    };
    return {
      nodes: [['Loop', `${limit} _ ${a} ${b}`, `${t} ${last} ${sums}`, { body }], ['Concat', `${t} ${sums}`, `${out}l`, { axis: 0 }], ['Slice', `${out}l zero most`, out]],
      run: (l) => {
        let [u, v] = [l.get(a) ?? [], l.get(b) ?? []];
        const collected: number[] = [];
        const steps = limit === 'n' ? sum(l.get('n') ?? []) : 3;
        for (let k = 0; k < steps; k++) {
          const inner = new Map(l).set(x, u).set(y, v);
          for (const st of statements) st.run(inner);
          [u, v] = [inner.get(p) ?? [], inner.get(q) ?? []];
          collected.push(sum(u));
          if (sum(u) >= 5) break;
        }
        l.set(out, [...u, ...collected].slice(0, most));
      },
    };
  }
}

export interface RandomControl {
  readonly spec: GraphSpec;
  /** The outputs, for a list and a number of steps. */
  readonly expected: (x: readonly number[], n: number) => readonly (readonly number[])[];
}

export function randomControl(seed: number): RandomControl {
  const { statements, results } = new Writer(new Choices(seed)).part(2, ['x'], 2);
  return {
    spec: {
      inputs: { x: ['len'], n: { dtype: 'int64', dims: [] } }, outputs: results,
      ints: { zero: [0], one: [1], most: [most], three: 3 }, floats: { seven: [7], none: 0, five: 5 }, nodes: statements.flatMap((st) => st.nodes),
    },
    expected: (x, n) => {
      const lists = new Map<string, readonly number[]>([['x', x], ['n', [n]]]);
      for (const st of statements) st.run(lists);
      return results.map((name) => lists.get(name) ?? []);
    },
  };
}
