/**
 * Runs of small models that the page makes itself while the worker waits for it (short-way.ts): both sides of what is posted once. In: a run whose
 * memory is known. Out: on the page a function from feeds to results. Kernels and memory are the device's, so results are the same bits.
 */
import { type Device, type Region, type SharedProgram, type View, whole } from '../../jit/device.ts';
import { guest } from '../../jit/backends/wasm/guest.ts';
import type { DType } from '../../jit/expr/dtype.ts';
import type { BoundSegment } from './binding.ts';
import type { WireTensor } from './model.ts';
import { copied } from './protocol.ts';

/** Memory that both have: where feeds go, what must be zero before a run, what is still zero after one that went well, where results are. */
export interface GuestRun {
  readonly program: SharedProgram;
  readonly feeds: Readonly<Record<string, Uint8Array>>;
  readonly clear: readonly Uint8Array[];
  readonly checks: readonly Uint8Array[];
  readonly results: Readonly<Record<string, WireTensor>>;
}

/** `holds`: nothing that it refers to has changed, and nobody is at the device. */
export interface SharedRun {
  readonly run: GuestRun;
  readonly holds: () => boolean;
}

/** An input or an output of a run whose sizes are known. */
export interface Fixed {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly view: View;
}

interface Run {
  readonly bound: readonly BoundSegment[];
  readonly feeds: readonly Fixed[];
  readonly results: readonly Fixed[];
}

/** The worker's side; undefined for a run of several programs, or on a device that shares nothing. `checks`: memory of results of checks. */
export function sharedRun({ bound: [bound, ...others], feeds, results }: Run, checks: readonly Region[], device: Device): SharedRun | undefined {
  const shared = bound?.program?.share?.();
  const map = device.map?.bind(device);
  if (bound === undefined || others.length > 0 || map === undefined || shared === undefined) return undefined;
  const found = checks.map((region) => map(whole(region)));
  return {
    run: {
      program: shared.program,
      feeds: Object.fromEntries(feeds.map(({ name, view }) => [name, map(view)])),
      clear: [...bound.clear.map(({ view }) => map(view)), ...found],
      checks: found,
      results: Object.fromEntries(results.map(({ name, dtype, dims, view }) => [name, { kind: 'bytes', dtype, dims, bytes: map(view) }])),
    },
    holds: shared.holds,
  };
}

type Tensors = Readonly<Record<string, WireTensor>>;

/** The page's side; throws where a policy forbids WebAssembly. A run gives nothing where the worker would say what is wrong. */
export function guestRun({ program, feeds, clear, checks, results }: GuestRun): (given: Tensors) => Tensors | undefined {
  const run = guest(program);
  return (given) => {
    for (const [name, place] of Object.entries(feeds)) {
      const feed = given[name];
      if (feed?.kind !== 'bytes' || feed.bytes.length !== place.length) return undefined;
      place.set(feed.bytes);
    }
    for (const bytes of clear) bytes.fill(0);
    run();
    return checks.some((bytes) => bytes.some(Boolean)) ? undefined : copied(results);
  };
}
