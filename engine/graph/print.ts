/**
 * Text of graphs and programs: for `inspect`, for golden tests of passes and lowerings, for error reports. Stable: equal IRs give equal
 * text, whatever the numbers that tensors happen to have (tensors of a program are renumbered in order of appearance).
 */
import type { Expr } from '../../jit/expr/expr.ts';
import { viewAs, fromHalf } from '../../jit/expr/dtype.ts';
import { shapeText, text } from '../../jit/expr/text.ts';
import { bodyText, loadedTensors, mapBody, renumber } from '../../jit/kernel.ts';
import type { Attribute, Constant, Graph, Node, TensorType } from './graph.ts';
import type { Program, TensorDef } from './program.ts';

/** Constants with more elements are shown by type alone. */
const SHOWN = 8;

export function printGraph(graph: Graph): string {
  const opsets = [...graph.opsets].map(([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${version}`).sort();
  const title = `graph ${graph.name}${opsets.length === 0 ? '' : ` (${opsets.join(', ')})`}`;
  return [title, ...graphLines(graph).map((line) => `  ${line}`)].join('\n');
}

function graphLines(graph: Graph): string[] {
  return [
    ...graph.inputs.map((v) => `input ${v.name}${typeText(v.type)}`),
    ...[...graph.constants].map(([name, c]) => `const ${name}: ${constantText(c)}`),
    ...graph.nodes.flatMap(nodeLines),
    ...graph.outputs.map((v) => `output ${v.name}${typeText(v.type)}`),
  ];
}

const typeText = (type: TensorType | undefined): string =>
  (type === undefined ? '' : `: ${type.narrow ?? type.dtype}${shapeText(type.shape)}`);

function constantText(c: Constant): string {
  const type = `${c.narrow ?? c.dtype}[${c.dims.join(', ')}]`;
  if (c.released || c.size > SHOWN) return type;
  const values = [...viewAs(c.dtype, c.bytes)].map((v) => (c.dtype === 'float16' ? fromHalf(Number(v)) : v));
  return `${type} = ${c.dims.length === 0 ? String(values[0]) : `[${values.join(', ')}]`}`;
}

function nodeLines(node: Node): string[] {
  const show = (name: string): string => (name === '' ? '_' : name);
  const plain = [...node.attributes].filter(([, a]) => a.type !== 'graph').sort(([a], [b]) => (a < b ? -1 : 1));
  const attributes = plain.length === 0 ? '' : ` {${plain.map(([name, a]) => `${name}: ${attributeText(a)}`).join(', ')}}`;
  const op = `${node.domain === '' ? '' : `${node.domain}.`}${node.op}${node.opset === undefined ? '' : `@${node.opset}`}`;
  const line = `${node.outputs.map(show).join(', ')} = ${op}(${node.inputs.map(show).join(', ')})${attributes}  # ${node.name}`;
  const inner = [...node.attributes].flatMap(([name, a]) => (a.type === 'graph' ? [[name, a.value] as const] : []));
  return [line, ...inner.flatMap(([name, g]) => [`  ${name}:`, ...graphLines(g).map((l) => `    ${l}`)])];
}

function attributeText(a: Attribute): string {
  switch (a.type) {
    case 'int': case 'float': return String(a.value);
    case 'string': return JSON.stringify(a.value);
    case 'ints': case 'floats': return `[${a.value.join(', ')}]`;
    case 'strings': return `[${a.value.map((s) => JSON.stringify(s)).join(', ')}]`;
    case 'tensor': return constantText(a.value);
    case 'graph': return printGraph(a.value);
    default: return a satisfies never;
  }
}

export function printProgram(program: Program, numbers = new Map<number, number>()): string {
  const number = (id: number): number => {
    const known = numbers.get(id) ?? numbers.size;
    numbers.set(id, known);
    return known;
  };
  const define = (id: number): string => {
    const def = program.tensors.get(id);
    return `t${number(id)}: ${def === undefined ? 'undefined' : `${def.dtype}${shapeText(def.shape)}${sourceText(def)}`}`;
  };
  const lines: string[] = [];
  program.inputs.forEach(({ name, tensor }) => { lines.push(`input ${name} = ${define(tensor)}`); });
  const known = new Set(program.inputs.map((v) => v.tensor));
  const mention = (id: number): void => {
    if (known.has(id)) return;
    known.add(id);
    lines.push(define(id));
  };
  for (const { body, outputs, origins, initial } of program.computations) {
    loadedTensors(body).filter((id) => !outputs.includes(id)).forEach(mention);
    outputs.forEach(mention);
    const written = outputs.map((id) => `t${number(id)}`).join(', ');
    lines.push(`compute ${written}  # ${origins.map((o) => `${o.op} ${o.node}`).join(', ')}`);
    for (const [id, from] of initial ?? []) lines.push(`  t${number(id)} starts as ${from === 'zero' ? 'zeros' : `t${number(from)}`}`);
    const rename = renumber(number);
    lines.push(...bodyText(mapBody(body, rename, number)).map((line) => `  ${line}`));
  }
  program.blocks?.forEach((b) => {
    b.outputs.forEach(mention);
    lines.push(`${b.kind} ${b.outputs.map((id) => `t${number(id)}`).join(', ')}  # ${b.origin.op} ${b.origin.node}`);
    b.parts.forEach((part) => { lines.push(`  part:`, ...printProgram(part, numbers).split('\n').map((line) => `    ${line}`)); });
  });
  program.dataDims.forEach((d) => { lines.push(`dim ${d.symbol.name} = t${number(d.tensor)}[${d.element}]  # ${d.origin.op} ${d.origin.node}`); });
  program.checks?.forEach(({ tensor, range, origin }) => {
    lines.push(`check t${number(tensor)}: ${text(range.low)} to ${text(range.high)}  # ${origin.op} ${origin.node}`);
  });
  program.outputs.forEach(({ name, tensor }) => {
    mention(tensor);
    lines.push(`output ${name} = t${number(tensor)}`);
  });
  return lines.join('\n');
}

function sourceText({ source, values }: TensorDef): string {
  const shown = (elements: readonly Expr[]): string => ` = [${elements.map(text).join(', ')}]`;
  if (values !== undefined && values.length <= SHOWN) return shown(values);
  return source.kind === 'constant' ? ' constant' : '';
}
