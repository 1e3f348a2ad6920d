/**
 * The one error type of Quern. Everything that can go wrong for a user ends here: what happened (`code`), where (`node`, `op`),
 * what was expected and found, and what to try. Plain fields, so that it crosses a worker boundary whole (see `toWire`).
 */

/**
 * What went wrong: `invalid-model` (bytes that are no well-formed model), `unsupported-operator`, `-dtype` and `-model` (well-formed, but
 * uses something Quern has no way to run), `invalid-attribute`, `shape-mismatch` (shapes that do not fit together), `index-out-of-range`,
 * `invalid-input` (a feed that does not match the inputs), `invalid-option`, `fetch-failed`, `missing-external-data`, `model-too-large`,
 * `out-of-memory`, `no-webgpu`, `no-wasm` (WebAssembly or its SIMD is missing, or a policy forbids it), `worker-blocked`, `worker-died`,
 * `device-lost`, `aborted`, `too-many-iterations` (a loop of the model went on for longer than `maxIterations`), `disposed`, `wrong-kernel` (a
 * generated kernel failed its check and no correct one is left), `internal` (a bug).
 */
export type ErrorCode =
  | 'invalid-model'
  | 'unsupported-operator'
  | 'unsupported-dtype'
  | 'unsupported-model'
  | 'invalid-attribute'
  | 'shape-mismatch'
  | 'index-out-of-range'
  | 'invalid-input'
  | 'invalid-option'
  | 'fetch-failed'
  | 'missing-external-data'
  | 'model-too-large'
  | 'out-of-memory'
  | 'no-webgpu'
  | 'no-wasm'
  | 'worker-blocked'
  | 'worker-died'
  | 'device-lost'
  | 'aborted'
  | 'too-many-iterations'
  | 'disposed'
  | 'wrong-kernel'
  | 'internal';

export interface ErrorDetails {
  readonly node?: string | undefined;
  readonly op?: string | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

type Parts = Omit<ErrorDetails, 'cause'>;

/** Those that are said. */
const partsOf = (details: Parts): Parts => Object.fromEntries(
  (['node', 'op', 'expected', 'got', 'hint'] as const).flatMap((part) => (details[part] === undefined ? [] : [[part, details[part]]])),
);

/** `message` says all of it in sentences; the fields hold the parts. */
export class QuernError extends Error {
  readonly code: ErrorCode;
  /** The node of the model, and its operator. */
  readonly node?: string;
  readonly op?: string;
  readonly expected?: string;
  readonly got?: string;
  /** What to try. */
  readonly hint?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(sentence(message, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'QuernError';
    this.code = code;
    Object.assign(this, partsOf(details));
  }
}

/** Throws an `internal` error; for invariants that the type system cannot hold. */
export function invariant(condition: boolean, message: string, details?: ErrorDetails): asserts condition {
  if (!condition) throw new QuernError('internal', message, details);
}

/** The same error with the place added, where the thrower did not know it. */
export function at(error: unknown, place: { readonly node?: string; readonly op?: string }): unknown {
  if (!(error instanceof QuernError) || error.node !== undefined) return error;
  const message = error.message.split('\n')[0] ?? error.message;
  return new QuernError(error.code, message, { ...partsOf(error), ...place, cause: error });
}

export interface WireError {
  readonly code: ErrorCode;
  readonly text: string;
  readonly details: Parts;
  readonly stack?: string | undefined;
}

/** A structured-cloneable form; `fromWire` restores it with every field on the other side. */
export function toWire(error: unknown): WireError {
  if (error instanceof QuernError) {
    const { code, stack } = error;
    return { code, text: error.message, details: partsOf(error), stack };
  }
  if (error instanceof Error) {
    const code: ErrorCode = error.name === 'AbortError' ? 'aborted' : 'internal';
    return { code, text: error.message, details: {}, stack: error.stack };
  }
  return { code: 'internal', text: String(error), details: {} };
}

export function fromWire(wire: WireError): QuernError {
  const error = new QuernError(wire.code, '', wire.details);
  error.message = wire.text;
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

function sentence(message: string, { node, op, expected, got, hint }: ErrorDetails): string {
  const where = node === undefined ? op : op === undefined ? `node '${node}'` : `${op} node '${node}'`;
  const lines = [where === undefined || message.includes(where) ? message : `${where}: ${message}`];
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (got !== undefined) lines.push(`  got: ${got}`);
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join('\n');
}
