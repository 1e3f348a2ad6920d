/** `quern tune`: measures a model's kernels on this device and writes records that `importTuning` takes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { number, text, type Arguments } from './options.ts';
import { loadRequest, ms, withHarness, type Io } from './session.ts';

export async function tune(args: Arguments, io: Io): Promise<number> {
  const [model = ''] = args.operands;
  const out = text(args, 'out') ?? '';
  const answer = await withHarness(args, async (page, server) =>
    page.call('tune', [{ ...(await loadRequest(args, model, server)), exhaustive: args.flags.has('exhaustive'), budgetMs: number(args, 'budget') ?? 60_000 }], 40 * 60_000),
  );
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, answer.records);
  const { tune: t, report } = answer;
  io.print(`${String(t.kernels)} kernels, ${String(t.measured)} candidates measured in ${ms(t.ms)} ms, ${String(t.improved)} kernels faster than before${t.wrong === 0 ? '' : `, ${String(t.wrong)} candidates wrong`}${t.finished ? '' : ', stopped by the budget'}`);
  for (const kernel of [...report.kernels].sort((a, b) => (b.ms ?? 0) - (a.ms ?? 0)).slice(0, 20)) {
    const knobs = Object.entries(kernel.schedule).map(([k, v]) => `${k}=${String(v)}`).join(' ');
    io.print(`  ${(kernel.ms === undefined ? '-' : ms(kernel.ms)).padStart(9)} ms  ${kernel.choice.padEnd(8)} ${kernel.kind.padEnd(11)} ${kernel.nodes.map((n) => n.op).join('+')}  ${knobs}`);
  }
  io.print(`records written to ${out}`);
  return 0;
}
