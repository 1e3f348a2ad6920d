/**
 * `const [a, b] = [x, y]`, which the sources use to say that values belong together, as `const a = x, b = y`. In: a module of this project. Out:
 * the same without lists that are made only to be taken apart: an engine goes through an iterator for each, 80 ns instead of 11 where code is not
 * optimized yet, as in all of a first visit. Invariant: values are evaluated in the order in which they stand, as before; no value can see
 * the new variables, since they are not initialized until all values are there.
 */
import MagicString from 'magic-string';
import type { Plugin } from 'vite';

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

interface List extends Node {
  readonly elements: readonly (Node | null)[];
}

interface Declarator extends Node {
  readonly id: Node;
  readonly init: Node | null;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
const isDeclarator = (node: Node): node is Declarator => node.type === 'VariableDeclarator';
const isList = (node: Node | null, type: string): node is List => node?.type === type;

/** Names and values of a declarator that takes a list of as many values apart. */
function pairsOf(node: Node): (readonly [Node, Node])[] {
  if (!isDeclarator(node) || !isList(node.id, 'ArrayPattern') || !isList(node.init, 'ArrayExpression')) return [];
  const values = node.init.elements;
  const names = node.id.elements;
  const pairs = names.flatMap((name, i) => {
    const value = values[i];
    return name?.type === 'Identifier' && value && value.type !== 'SpreadElement' ? [[name, value] as const] : [];
  });
  return pairs.length === names.length && pairs.length === values.length ? pairs : [];
}

export const plainVariables: Plugin = {
  name: 'quern-plain-variables',
  enforce: 'post',
  transform(code, id) {
    if (!/\/(engine|jit|shaders|react|cli|demo)\/.*\.tsx?$/.test(id.split('?')[0] ?? '')) return undefined;
    const text = new MagicString(code);
    const visit = (node: Node): void => {
      for (const part of Object.values(node).flat() as unknown[]) if (isNode(part)) visit(part);
      const pairs = pairsOf(node);
      if (pairs.length === 0) return;
      // Inner ones are rewritten by now.
      const plain = pairs.map(([name, value]) => {
        const made = text.slice(value.start, value.end);
        return `${text.slice(name.start, name.end)} = ${value.type === 'SequenceExpression' ? `(${made})` : made}`;
      });
      text.overwrite(node.start, node.end, plain.join(', '));
    };
    visit(this.parse(code));
    return text.hasChanged() ? { code: text.toString(), map: text.generateMap({ hires: true }) } : undefined;
  },
};
