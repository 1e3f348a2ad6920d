/** `quern inspect`: what the engine makes of a model: operators, inputs, memory, kernels in order and, if asked, their sources. */
import type { KernelReport } from '../engine/report.ts';
import { text, type Arguments } from './options.ts';
import { passes } from './passes.ts';
import type { InspectAnswer } from './protocol.ts';
import { loadRequest, megabytes, ms, precisionOf, shape, table, withHarness, writeJson, type Io } from './session.ts';

export async function inspect(args: Arguments, io: Io): Promise<number> {
  const [model = ''] = args.operands;
  if (args.flags.has('passes') || args.values.has('pass')) return passes(model, text(args, 'pass'), precisionOf(args), io);
  const answer = await withHarness(args, async (page, server) => page.call('inspect', [await loadRequest(args, model, server)], 10 * 60_000));
  print(model, answer, args.flags.has('kernels'), io);
  await writeJson(args, { model, ...answer });
  return 0;
}

function print(model: string, { support, inputs, outputs, report }: InspectAnswer, sources: boolean, io: Io): void {
  const opsets = Object.entries(support.opsets).map(([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${String(version)}`).join(', ');
  io.print(`${model}: opset ${opsets}, ${megabytes(support.weightBytes)} of weights`);
  for (const { op, domain, nodes, why } of support.missing) {
    io.print(`  missing ${domain === '' ? '' : `${domain}.`}${op} (${String(nodes.length)} nodes, first '${nodes[0] ?? ''}'): ${why}`);
  }
  for (const input of inputs) io.print(`  in   ${input.name} ${input.dtype}${shape(input.dims)}`);
  for (const output of outputs) io.print(`  out  ${output.name} ${output.dtype}${shape(output.dims)}`);

  const operators = new Map<string, number>();
  for (const { op } of report.kernels.flatMap((k) => k.nodes)) operators.set(op, (operators.get(op) ?? 0) + 1);
  const counted = [...operators].sort((a, b) => b[1] - a[1]).map(([op, n]) => (n === 1 ? op : `${op} x${String(n)}`));
  io.print(`operators in kernels: ${counted.join(', ') || 'none'}`);
  const { memory } = report;
  io.print(`device ${report.device} (${report.why}), ${String(report.threads)} threads, isolated: ${report.isolated ? 'yes' : 'no'}`);
  io.print(`memory: weights ${megabytes(memory.weights)}, arena ${megabytes(memory.arena)}, kept ${megabytes(memory.kept)}, peak ${megabytes(memory.peak)}`);
  for (const { node, op, why } of report.fallbacks) io.print(`fallback ${op} '${node}': ${why}`);
  for (const { kernel, why } of report.demoted) io.print(`demoted ${kernel}: ${why}`);
  for (const note of report.notes) io.print(`note: ${note}`);

  io.print(`\n${String(report.kernels.length)} kernels, in the order of the plan`);
  io.print(kernelTable(report.kernels));
  if (!sources) return;
  for (const [i, kernel] of report.kernels.entries()) {
    io.print(`\n--- kernel ${String(i)}: ${kernel.nodes.map((n) => `${n.op} '${n.node}'`).join(', ')}\n${kernel.text}\n\n${kernel.source}`);
  }
}

/** One line for each kernel; times only where they were measured. */
export function kernelTable(kernels: readonly KernelReport[]): string {
  return table([
    ['kernel', 'kind', 'place', 'ms', 'share', 'roofline', 'MFLOP', 'GFLOP/s', 'GB/s', 'tried', 'choice', 'schedule'],
    ...kernels.map((k, i) => [
      `${String(i)} ${k.nodes.map((n) => n.op).join('+')}`.slice(0, 48), k.kind, k.place,
      k.ms === undefined ? '' : ms(k.ms), k.share === undefined ? '' : percent(k.share), k.roofline === undefined ? '' : percent(k.roofline),
      (k.flops / 1e6).toFixed(2), k.gflops?.toFixed(1) ?? '', k.gbytes?.toFixed(1) ?? '', `${String(k.tried.length)}/${String(k.candidates)}`, k.choice,
      Object.entries(k.schedule).map(([name, value]) => `${name}=${String(value)}`).join(' '),
    ]),
  ]);
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)}%`;
