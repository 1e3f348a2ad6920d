/**
 * Which device a session runs on, and why. `webgpu` and `wasm` are taken at their word; `auto` measures a hardware GPU and says what it saw.
 * A software adapter (`isFallbackAdapter`) loses to WASM by an order of magnitude: SwiftShader reaches 3 GFLOP/s where one core of the
 * same machine reaches 50.
 */
import type { Device } from '../../jit/device.ts';
import { QuernError } from '../../jit/error.ts';
import { createWasmDevice, warmWasm } from '../../jit/backends/wasm/device.ts';
import { probe } from '../../jit/backends/wasm/probe.ts';
import { createWebGpuDevice } from '../../jit/backends/webgpu/device.ts';
import { nextTask } from '../../jit/next-task.ts';
import type { Records } from '../../jit/tune/records.ts';
import type { Cache } from '../cache/cache.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Devices } from './compile-model.ts';
import { rehearsal } from './rehearsal.ts';
import { returnThread, spawnThread, startThreads } from './spawn-thread.ts';
import type { TurnLock } from './turn-lock.ts';
import { preferGpu, yardstickOf } from './yardstick.ts';

export interface Chosen {
  readonly devices: Devices;
  readonly why: string;
  readonly isolated: boolean;
  /** Why there can be no helper threads, if so. */
  readonly single?: string | undefined;
}

export async function disposeDevices({ devices }: Pick<Chosen, 'devices'>): Promise<void> {
  await devices.main.dispose();
  await devices.cpu?.dispose();
}

/** Sessions of one worker share what the first one's probe saw, also where nothing is stored. */
const probed = new Map<string, Device['profile']>();

/** Why there can be no helper threads, if so. */
function singleBecause(): string | undefined {
  if (!globalThis.crossOriginIsolated) return 'the page is not cross-origin isolated: one thread';
  // WebKitGTK says that a page is isolated and yet has no memory that threads could share.
  return 'SharedArrayBuffer' in globalThis ? undefined : 'the browser has no SharedArrayBuffer: one thread';
}

/** Threads of the CPU device, the calling one included. Above eight the models at hand gain nothing, and the page needs a core too. */
export const mostThreads = (): number => (singleBecause() === undefined ? Math.min(globalThis.navigator.hardwareConcurrency, 8) : 1);

const threadsFor = ({ threads }: ResolvedOptions): number => (threads === 'auto' || singleBecause() !== undefined ? mostThreads() : threads);

/**
 * Measures what no visit has measured of a device yet, which takes 50 ms: after the first answer, for the tuner, for reports and for later visits.
 * `hold` has the device to itself for the few ms of each step.
 */
export async function measureDevice(device: Device, cache: Cache, hold: TurnLock['hold']): Promise<void> {
  if (device.profile.peakFlops > 0 || device.measure === undefined) return;
  const steps = device.measure()[Symbol.iterator]();
  const step = async (): Promise<boolean> => {
    await nextTask();
    return steps.next().done === true;
  };
  while (!await hold(step));
  // What was measured is known to other sessions of this worker at once, and to later visits.
  const key = profileKey(device.profile.threads);
  probed.set(key, device.profile);
  await cache.putProfile(key, device.profile);
}

const profileKey = (threads: number): string => `wasm ${globalThis.navigator.userAgent} ${threads}`;

/**
 * Whether the browser's own threads need every core while a model loads. A helper takes 75 to 110 ms of a core to start; on two cores a first
 * visit of YOLOX-nano takes 0.95 of the time without. Large models are worth it: their setup steps run on all threads.
 */
const isTight = (): boolean => globalThis.navigator.hardwareConcurrency < 3;
const lateBytes = 2 ** 25;

/** What takes long to start and does not depend on the model. */
export interface Early {
  /** What is known of kernels on the CPU, if an earlier visit left its profile: asked for at once, since the database takes 20 ms to open. */
  readonly records: Promise<Records | undefined>;
  /** For when there is nothing to do but wait: starts threads, and makes what every device on the CPU needs. */
  readonly chores: Iterator<unknown>;
  /** For after that, where no plan is kept. */
  readonly rehearsal: Iterator<unknown>;
}

export function startEarly(options: ResolvedOptions, cache: Cache): Early {
  const threads = threadsFor(options);
  const onCpu = options.device === 'wasm' || !('gpu' in globalThis.navigator);
  const key = profileKey(onCpu ? threads : 1);
  const records = async (): Promise<Records | undefined> => {
    const known = probed.get(key) ?? await cache.getProfile(key);
    if (known === undefined) return undefined;
    probed.set(key, known);
    return cache.records(known.fingerprint);
  };
  function* chores(): Generator<void> {
    if (onCpu && !isTight()) startThreads(threads - 1);
    yield;
    warmWasm();
  }
  function* rehearse(): Generator<void> {
    if (onCpu) yield* rehearsal(probe({}, threads));
  }
  return { records: records(), chores: chores(), rehearsal: rehearse() };
}

/** `weightBytes`: what the model's file announces, or Infinity; sizes the memory of the CPU device. */
export async function chooseDevice(options: ResolvedOptions, weightBytes: number, cache: Cache): Promise<Chosen> {
  if (options.maxBytes !== undefined) requireRoom(weightBytes, options.maxBytes, 'option maxBytes');
  const isolated = globalThis.crossOriginIsolated;
  const single = singleBecause();
  const wasm = async (count: number): Promise<Device> => {
    const key = profileKey(count);
    const known = probed.get(key) ?? await cache.getProfile(key);
    return createWasmDevice({
      threads: count, maxBytes: memoryFor(weightBytes, options.maxBytes), known,
      ...(count > 1 ? { spawnThread, returnThread, early: !isTight() || weightBytes > lateBytes } : {}),
    });
  };
  const onCpu = async (why: string): Promise<Chosen> => {
    requireRoom(weightBytes, mostWasmBytes, '4 GiB of WebAssembly memory', 'weights of fewer bits, or a GPU');
    return { devices: { main: await wasm(threadsFor(options)) }, why, isolated, single };
  };
  if (options.device === 'wasm') return onCpu('asked for');
  if (options.device === 'webgpu') {
    const main = await createWebGpuDevice({});
    return { devices: { main, cpu: await wasm(1) }, why: 'asked for', isolated, single };
  }
  const { gpu } = globalThis.navigator as Partial<Navigator>;
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return onCpu('no WebGPU adapter');
  if (adapter.info.isFallbackAdapter) return onCpu(`the WebGPU adapter is software (${adapter.info.description || adapter.info.vendor})`);
  const [main, cpu] = [await createWebGpuDevice({}), await wasm(1)];
  await measureDevice(cpu, cache, (work) => work());
  const name = `hardware WebGPU adapter (${adapter.info.vendor} ${adapter.info.architecture})`;
  const { gpu: better, why } = preferGpu(weightBytes, await yardstickOf(main, cache), { ...cpu.profile, threads: threadsFor(options) });
  if (better || weightBytes > mostWasmBytes) return { devices: { main, cpu }, why: `${name}; ${why}`, isolated, single };
  await disposeDevices({ devices: { main, cpu } });
  return onCpu(`sooner than the ${name}; ${why}`);
}

/** 4 GiB, less the pages that belong to nobody: what WebAssembly can address. */
const mostWasmBytes = 2 ** 32 - 2 * 65536;

/** Throws `model-too-large`: of sizes that are announced before any weight arrives. */
function requireRoom(weightBytes: number, most: number, what: string, hint?: string): void {
  if (weightBytes === Infinity || weightBytes <= most) return;
  throw new QuernError('model-too-large', 'the weights of the model do not fit into the memory that it may have', {
    expected: `at most ${most} bytes (${what})`, got: `${weightBytes} bytes`, hint,
  });
}

/**
 * The most that the CPU's memory may grow to. Only address space is set aside; a page can make some 125 memories of 4 GiB. Weights
 * stand twice for a moment while one of them is packed.
 */
function memoryFor(weightBytes: number, maxBytes: number | undefined): number {
  const need = Math.min(2 * weightBytes + 2 ** 30, 2 ** 32);
  return maxBytes === undefined ? need : Math.min(need, maxBytes);
}
