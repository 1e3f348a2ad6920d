/**
 * The command line. In: the words after `quern`. Out: text, files, and an exit code: 0 done, 1 the verb found something wrong (a failed
 * test, an error of the engine), 2 wrong use or something missing on this machine.
 */
import { bench } from './bench.ts';
import { SetupError } from './browser.ts';
import { inspect } from './inspect.ts';
import { help, parseArguments, UsageError, type Arguments, type Verb } from './options.ts';
import { run } from './run.ts';
import type { Io } from './session.ts';
import { tune } from './tune.ts';
import { verify } from './verify.ts';

const actions: Readonly<Record<Verb, (args: Arguments, io: Io) => Promise<number>>> = { run, verify, bench, tune, inspect };

const standard: Io = {
  print: (line) => { process.stdout.write(`${line}\n`); },
  error: (line) => { process.stderr.write(`${line}\n`); },
};

export async function main(argv: readonly string[], io: Io = standard): Promise<number> {
  if (argv.length === 0 || argv.includes('--help') || argv.includes('-h')) {
    io.print(help());
    return argv.length === 0 ? 2 : 0;
  }
  try {
    const args = parseArguments(argv);
    return await actions[args.verb](args, io);
  } catch (error) {
    if (error instanceof UsageError) io.error(`quern: ${error.message}\n\n${help(error.verb)}`);
    else if (error instanceof SetupError) io.error(`quern: ${error.message}`);
    else {
      io.error(`quern: ${fromPage(error)}`);
      return 1;
    }
    return 2;
  }
}

/** An error of the page without the wrapping and the stack that page.evaluate adds; the whole of it under QUERN_DEBUG. */
function fromPage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (process.env['QUERN_DEBUG']) return error.stack ?? error.message;
  return error.message.replace(/^page\.evaluate: /, '').replace(/\n\s+at [\s\S]*$/, '');
}
