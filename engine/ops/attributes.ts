/**
 * Typed access to a node's attributes. A missing attribute without a default, or one of another type or with a value outside the
 * allowed set, is an `invalid-attribute` error that says what was expected.
 */
import { QuernError } from '../../jit/error.ts';
import type { Attribute, Constant, Graph, Node } from '../graph/graph.ts';
import type { Attributes } from './operator.ts';

type Kind = Attribute['type'];
type ValueOf<K extends Kind> = Extract<Attribute, { type: K }>['value'];

export class NodeAttributes implements Attributes {
  readonly #all: ReadonlyMap<string, Attribute>;

  constructor(node: Node) {
    this.#all = node.attributes;
  }

  has(name: string): boolean {
    return this.#all.has(name);
  }

  int(name: string, otherwise?: number): number {
    return this.#get('int', name, otherwise);
  }

  count(name: string, otherwise?: number): number {
    const value = this.int(name, otherwise);
    if (value >= 1) return value;
    throw new QuernError('invalid-attribute', `attribute '${name}' counts nothing`, { expected: '1 or more', got: String(value) });
  }

  float(name: string, otherwise?: number): number {
    return this.#all.get(name)?.type === 'int' ? this.int(name) : this.#get('float', name, otherwise);
  }

  string<T extends string>(name: string, oneOf: readonly T[], otherwise?: T): T {
    const value = this.#get('string', name, otherwise);
    const known = oneOf.find((one) => one === value);
    if (known !== undefined) return known;
    throw new QuernError('invalid-attribute', `attribute '${name}' has an unknown value`, { expected: oneOf.join(', '), got: value });
  }

  ints(name: string, otherwise?: readonly number[]): readonly number[] {
    return this.#get('ints', name, otherwise);
  }

  floats(name: string, otherwise?: readonly number[]): readonly number[] {
    return this.#get('floats', name, otherwise);
  }

  tensor(name: string): Constant {
    return this.#get('tensor', name, undefined);
  }

  graph(name: string): Graph {
    return this.#get('graph', name, undefined);
  }

  #get<K extends Kind>(kind: K, name: string, otherwise: ValueOf<K> | undefined): ValueOf<K> {
    const found = this.#all.get(name);
    if (found === undefined) {
      if (otherwise !== undefined) return otherwise;
      throw new QuernError('invalid-attribute', `attribute '${name}' is missing`, { expected: kind });
    }
    if (isKind(found, kind)) return found.value as ValueOf<K>;
    // An empty list has no type of its own in the file.
    if (Array.isArray(found.value) && found.value.length === 0 && otherwise !== undefined) return otherwise;
    throw new QuernError('invalid-attribute', `attribute '${name}' has another type`, { expected: kind, got: found.type });
  }
}

const isKind = <K extends Kind>(attribute: Attribute, kind: K): attribute is Extract<Attribute, { type: K }> => attribute.type === kind;
