/**
 * What each verb of the command line takes, as data: the parser and the help text both read these tables, so neither can know an
 * option that the other does not. Anything not listed is an error that shows the help; nothing is guessed.
 */

export type Verb = 'run' | 'verify' | 'bench' | 'tune' | 'inspect';

interface OptionSpec {
  /** What the value looks like in the help; a flag has none. */
  readonly value?: string;
  readonly many?: true;
  readonly help: string;
  /** Complains by returning what was expected. */
  readonly check?: (value: string) => string | undefined;
}

interface VerbSpec {
  readonly operand: string;
  /** Whether more than one operand is taken. */
  readonly many: boolean;
  readonly about: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

export interface Arguments {
  readonly verb: Verb;
  readonly operands: readonly string[];
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** Wrong use of the command line: printed with the help, exit code 2. */
export class UsageError extends Error {
  readonly verb: Verb | undefined;
  constructor(message: string, verb?: Verb) {
    super(message);
    this.verb = verb;
  }
}

const wholeNumber = (value: string): string | undefined => (/^[1-9]\d*$/.test(value) ? undefined : 'a whole number above 0');
const atLeastZero = (value: string): string | undefined =>
  value.trim() !== '' && Number(value) >= 0 ? undefined : 'a number of 0 or more';
const oneOf =
  (...names: readonly string[]) =>
  (value: string): string | undefined =>
    names.includes(value) ? undefined : names.join(' or ');

const device: OptionSpec = { value: 'D', help: "'webgpu', 'wasm' or 'auto' (the default)", check: oneOf('auto', 'webgpu', 'wasm') };
const threads: OptionSpec = { value: 'N', help: 'threads of the CPU device', check: wholeNumber };
const precision: OptionSpec = { value: 'P', help: "'exact' (the default) or 'fast'", check: oneOf('exact', 'fast') };
const browser: OptionSpec = { value: 'B', help: "'chromium' (the default), 'firefox' or 'webkit'", check: oneOf('chromium', 'firefox', 'webkit') };
const dim: OptionSpec = {
  value: 'NAME=N',
  many: true,
  help: 'value of a symbolic dim (1 where nothing is said)',
  check: (v) => (/^[^=]+=\d+$/.test(v) ? undefined : 'NAME=N'),
};
const json: OptionSpec = { value: 'FILE', help: 'writes the results there too' };

export const verbs: Readonly<Record<Verb, VerbSpec>> = {
  run: {
    operand: 'MODEL',
    many: false,
    about: 'runs a model once; an input that is not given is filled from a fixed seed',
    options: {
      input: {
        value: 'NAME=FILE',
        many: true,
        help: 'an input from a .pb (TensorProto) or .npy file',
        check: (v) => (/^[^=]+=.+\.(pb|npy)$/.test(v) ? undefined : 'NAME=FILE.pb or NAME=FILE.npy'),
      },
      dim,
      device,
      threads,
      precision,
      browser,
      out: { value: 'DIR', help: 'writes each output there as .npy' },
      json,
    },
  },
  verify: {
    operand: 'PATH…',
    many: true,
    about: 'runs every folder at or below PATH that is in the ONNX test layout; exit code 1 if any fails',
    options: {
      device: { ...device, help: "'wasm' or 'webgpu' (by default 'auto')" },
      threads,
      precision,
      browser,
      rtol: { value: 'X', help: 'relative tolerance (1e-3; 1e-2 for float16)', check: atLeastZero },
      atol: { value: 'X', help: 'absolute tolerance (1e-5; 1e-3 for float16)', check: atLeastZero },
      json,
    },
  },
  bench: {
    operand: 'MODEL…',
    many: true,
    about: 'times models, alternating the engines inside one run',
    options: {
      device,
      threads,
      precision,
      browser,
      against: {
        value: 'A,B',
        help: "peers to compare with: 'ort-web', 'ort-node' (installed into .peers/ on first use)",
        check: (v) => (v.split(',').every((name) => name === 'ort-web' || name === 'ort-node') ? undefined : 'ort-web or ort-node'),
      },
      dim,
      loop: {
        value: 'OUT=IN',
        help: "feeds outputs whose names begin with OUT to the inputs that begin with IN ('present=past'), as decoding does",
        check: (v) => (/^[^=]+=[^=]+$/.test(v) ? undefined : 'OUT=IN'),
      },
      runs: { value: 'N', help: 'timed runs of each engine (20)', check: wholeNumber },
      profile: { help: 'prints the time of each kernel as well' },
      json,
    },
  },
  tune: {
    operand: 'MODEL',
    many: false,
    about: 'measures kernels on this device and writes the tuning records',
    options: {
      out: { value: 'FILE', help: 'where the records go (required)' },
      exhaustive: { help: 'measures every candidate instead of stopping early' },
      budget: { value: 'MS', help: 'milliseconds of measuring (60000); --exhaustive has no limit', check: wholeNumber },
      device,
      threads,
      precision,
      browser,
      dim,
    },
  },
  inspect: {
    operand: 'MODEL',
    many: false,
    about: 'shows operators, shapes, plan and kernels',
    options: {
      kernels: { help: 'prints the text and the source of each kernel' },
      passes: { help: 'shows instead what each pass leaves, without a browser' },
      pass: { value: 'NAME', help: 'prints the IR before and after one pass' },
      device,
      threads,
      precision,
      browser,
      dim,
      json,
    },
  },
};

/** Throws `UsageError`. `--name value` and `--name=value` both work. */
export function parseArguments(argv: readonly string[]): Arguments {
  const [verb, ...rest] = argv;
  if (!isVerb(verb)) {
    throw new UsageError(verb === undefined ? 'a verb is missing' : `there is no verb '${verb}'`);
  }
  const spec = verbs[verb];
  const operands: string[] = [];
  const flags = new Set<string>();
  const values = new Map<string, string[]>();
  const queue = [...rest];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!word.startsWith('--')) {
      operands.push(word);
      continue;
    }
    const cut = word.indexOf('=');
    const name = cut === -1 ? word.slice(2) : word.slice(2, cut);
    const option = Object.hasOwn(spec.options, name) ? spec.options[name] : undefined;
    if (option === undefined) throw new UsageError(`'${verb}' has no option '--${name}'`, verb);
    if (option.value === undefined) {
      if (cut !== -1) throw new UsageError(`'--${name}' takes no value`, verb);
      flags.add(name);
      continue;
    }
    const value = cut === -1 ? queue.shift() : word.slice(cut + 1);
    if (value === undefined) throw new UsageError(`'--${name}' needs a value: ${option.value}`, verb);
    const complaint = option.check?.(value);
    if (complaint !== undefined) throw new UsageError(`'--${name}' has the value '${value}', expected ${complaint}`, verb);
    const earlier = values.get(name);
    if (earlier !== undefined && option.many === undefined) throw new UsageError(`'--${name}' is given twice`, verb);
    values.set(name, [...(earlier ?? []), value]);
  }
  if (operands.length === 0) throw new UsageError(`'${verb}' needs ${spec.operand}`, verb);
  if (operands.length > 1 && !spec.many) throw new UsageError(`'${verb}' takes one ${spec.operand}, got ${operands.join(' ')}`, verb);
  if (verb === 'tune' && !values.has('out')) throw new UsageError("'tune' needs '--out FILE'", verb);
  return { verb, operands, flags, values };
}

export function help(only?: Verb): string {
  const lines = ['Usage: quern VERB … [options]', ''];
  for (const name of only === undefined ? (Object.keys(verbs) as Verb[]) : [only]) {
    const { operand, about, options } = verbs[name];
    lines.push(`  quern ${name} ${operand}`, `      ${about}`);
    for (const [key, { value, help: text }] of Object.entries(options)) {
      lines.push(`      ${`--${key}${value === undefined ? '' : ` ${value}`}`.padEnd(20)} ${text}`);
    }
    lines.push('');
  }
  lines.push('Chromium is found through QUERN_CHROMIUM, then PATH, then Playwright. QUERN_CHROMIUM_FLAGS adds switches to it. Firefox is found\nthrough QUERN_FIREFOX, then PATH; WebKitGTK\'s WebKitWebDriver through QUERN_WEBKIT_DRIVER, then PATH.');
  return lines.join('\n');
}

export const text = (args: Arguments, name: string): string | undefined => args.values.get(name)?.[0];

export function number(args: Arguments, name: string): number | undefined {
  const value = text(args, name);
  return value === undefined ? undefined : Number(value);
}

/** `NAME=VALUE` options as a record. */
export function pairs(args: Arguments, name: string): Record<string, string> {
  return Object.fromEntries(
    (args.values.get(name) ?? []).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

function isVerb(word: string | undefined): word is Verb {
  return word !== undefined && Object.hasOwn(verbs, word);
}
