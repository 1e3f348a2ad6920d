/** `quern run`: one run of a model, with files as inputs where given and filled inputs elsewhere. */
import { access } from 'node:fs/promises';
import { SetupError } from './browser.ts';
import { pairs, text, type Arguments } from './options.ts';
import type { TensorSummary } from './protocol.ts';
import { loadRequest, ms, shape, withHarness, writeJson, type Io } from './session.ts';

export async function run(args: Arguments, io: Io): Promise<number> {
  const [model = ''] = args.operands;
  const out = text(args, 'out');
  const files = pairs(args, 'input');
  for (const file of Object.values(files)) {
    await access(file).catch(() => {
      throw new SetupError(`there is no file '${file}'`);
    });
  }
  const answer = await withHarness(args, async (page, server) =>
    page.call('run', [{
      ...(await loadRequest(args, model, server)),
      inputs: Object.fromEntries(Object.entries(files).map(([name, file]) => [name, server.url(file)])),
      outputs: out === undefined ? undefined : server.sink(out),
    }], 10 * 60_000),
  );
  io.print(`${model} on ${answer.device}, ${String(answer.threads)} thread${answer.threads === 1 ? '' : 's'}: loaded in ${ms(answer.loadMs)} ms, ran in ${ms(answer.runMs)} ms`);
  for (const input of answer.inputs) io.print(`  in   ${line(input)}${answer.filled.includes(input.name) ? '  (filled)' : ''}`);
  for (const output of answer.outputs) io.print(`  out  ${line(output)}`);
  if (out !== undefined) io.print(`outputs written to ${out}`);
  await writeJson(args, { model, ...answer });
  return 0;
}

function line({ name, dtype, dims, min, max, mean, nonFinite, head }: TensorSummary): string {
  const range = head.length === 0 ? 'empty' : `min ${min.toPrecision(5)}  max ${max.toPrecision(5)}  mean ${mean.toPrecision(5)}`;
  return `${name} ${dtype}${shape(dims)}  ${range}${nonFinite === 0 ? '' : `  ${String(nonFinite)} not finite`}  ${head.join(' ')}`;
}
