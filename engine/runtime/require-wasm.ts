/**
 * Fails early and with a name where WebAssembly is missing or a policy forbids to compile it: every session needs it, those on the GPU for
 * what falls back to the CPU. Compiling the empty module is the test; `WebAssembly.validate` is not subject to policies.
 */
import { QuernError } from '../../jit/error.ts';

/** Magic number and version: the least that is a module. */
const emptyModule = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** Throws `no-wasm`. */
export function requireWasm(): void {
  if (!('WebAssembly' in globalThis)) {
    throw new QuernError('no-wasm', 'there is no WebAssembly in this browser', { hint: "some browsers' lockdown modes switch it off" });
  }
  try {
    new WebAssembly.Module(emptyModule);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    // Chromium and Firefox quote the directive that applied.
    const directive = /["\u201c]((?:script-src|default-src)[^"\u201d]*)["\u201d]/.exec(text)?.[1];
    throw new QuernError('no-wasm', 'the Content-Security-Policy forbids WebAssembly', {
      expected: "'wasm-unsafe-eval' in the directive script-src",
      got: directive ?? text,
      hint: "the policy is that of the page, or with the option workerUrl that of the worker's script",
      cause,
    });
  }
}
