/** docs/OPERATORS.md is written by this test (`vitest run engine/ops/operators-doc.test.ts --update`), which fails where it is out of date. */
import { expect, it } from 'vitest';
import { allOperators } from './registry.ts';
import type { Operator } from './operator.ts';

const intro = `# Operators

Written from the code by \`engine/ops/operators-doc.test.ts\`; do not edit.

**Versions** are the opsets from which on an entry describes the operator; each holds until the next one, the last one up to the newest opset. What
changed between them as a default or from an attribute to an input is read from the model's opset and inputs. Entries from before opset 7
count from there.

**Types.** An operator is defined once, for every type its ONNX definition allows among float32, float16, float64, bool, and signed and
unsigned integers of 4 to 64 bits. float16 and 4-bit integers are ways to store: elements are computed as float32 and int32.
bfloat16, float8, strings, and sequences and optionals that are fed or handed out are refused by name when the model is loaded.

**CPU and GPU.** No operator is spelled per backend, so all of them are on both. On the GPU a kernel goes to the CPU, with the reason in
\`report().fallbacks\`, if it computes on float64; if its 64-bit integers may leave the 32 bits that they have there (arithmetic on loaded ones,
powers, shifts, conversions from float; not indices, sizes, remainders and what is bounded); or if it needs more or larger buffers than the device
binds. Kernels that wait for the CPU are put together, so that there are as few changes of device as the order of the data allows, and those
that need only feeds go first. A fed int64 that does not fit, or dims that take indices beyond 32 bits, are an error.

**Not there**, and refused by name: what works on strings or files of pictures (the \`String\` family, \`RegexFullMatch\`, \`ImageDecoder\`),
\`SequenceMap\`, positions in sequences that only the data decide, \`FlexAttention\` (its expansion runs), training
(\`Dropout\` that drops too), and other domains than the two below. Inside an operator: \`BatchNormalization\` with \`spatial = 0\`; \`Squeeze\` without axes where a
dim that is only known when fed turns out to be 1; \`DynamicQuantizeLSTM\` with an unknown number of steps; \`GroupQueryAttention\`
with a quantised or a windowed cache. Random numbers come from the seed of the model, else from
the node's name, and are the same in every run.

**Control flow.** Loop, Scan and If take any body of these operators, also nested, and sizes that change from step to step or differ between
branches. What is refused, with the reason: values whose rank or type changes between steps, branches of other ranks (but for first dims of 1, where
no output's rank depends on it), sequences that go from step to step of a loop of more than
a few known steps, unless each step adds an item (then their items are joined, stacked and counted, but not taken one by one). A loop fails after \`maxIterations\` steps.
`;

const domains: Readonly<Record<string, string>> = { '': 'ai.onnx', 'com.microsoft': 'com.microsoft' };
const inputs = ({ arity: [fewest, most] }: Operator): string =>
  (fewest === most ? String(fewest) : most === Infinity ? `${fewest} or more` : `${fewest} to ${most}`);

function table(domain: string): string {
  const byName = new Map<string, Operator[]>();
  for (const o of allOperators()) if (o.domain === domain) byName.set(o.op, [...(byName.get(o.op) ?? []), o]);
  const rows = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([op, entries]) => {
    const versions = [...new Set(entries.map((o) => (domain === '' ? Math.max(7, o.since) : o.since)))].sort((a, b) => a - b);
    const last = entries.reduce((a, b) => (b.since > a.since ? b : a));
    return `| ${op} | ${versions.join(', ')} | ${inputs(last)} |`;
  });
  return `## ${domains[domain] ?? domain}: ${rows.length} operators\n\n| operator | versions | inputs |\n|---|---|---|\n${rows.join('\n')}\n`;
}

it('docs/OPERATORS.md lists the operators of the registry', async () => {
  const known = [...new Set(allOperators().map((o) => o.domain))].sort();
  await expect([intro, ...known.map(table)].join('\n')).toMatchFileSnapshot('../../docs/OPERATORS.md');
});
