/**
 * The panel of the device: what the page may use (isolation, threads, SIMD, GPU), what the probe measured, and what a session holds. In: a report
 * and the browser's own account of its GPU. Out: the rows of a definition list.
 */
import type { Report } from '../engine/index.ts';
import { byId, h, replace } from './dom.ts';
import { bytes, plural } from './format.ts';

type State = 'yes' | 'no' | undefined;

interface Fact {
  readonly term: string;
  readonly text: string;
  /** A line below, for those who want to know. */
  readonly more?: string;
  readonly state?: State;
}

export async function showDevice({ device, threads, isolated, why, hardware, memory }: Report): Promise<void> {
  const cores = navigator.hardwareConcurrency;
  const gpu = await gpuFact();
  const has = (feature: string): boolean => hardware.features.includes(feature);
  const onCpu = device === 'wasm';
  const rate = (perSecond: number, unit: string): string => (perSecond === 0 ? 'not measured' : `${(perSecond / 1e9).toPrecision(3)} ${unit}`);
  const facts: readonly Fact[] = [
    { term: 'runs on', text: onCpu ? `CPU, ${plural(threads, 'thread')} of ${String(cores)}` : 'GPU', more: why === 'asked for' ? 'as asked for' : why },
    {
      term: 'isolated', text: isolated ? 'yes' : 'no', state: isolated ? 'yes' : 'no',
      more: isolated
        ? (navigator.serviceWorker.controller === null ? 'by the host\'s headers: threads share memory' : 'by a service worker of this page: threads share memory')
        : 'the host sends no COOP and COEP headers, and the page\'s service worker could not add them: one thread',
    },
    gpu,
    ...(onCpu ? [
      { term: 'SIMD', text: has('fma') ? '128 bit, fused multiply-add' : '128 bit', state: 'yes' as const, more: has('relaxed-simd') ? 'relaxed SIMD' : 'no relaxed SIMD' },
      { term: 'arithmetic, one core', text: rate(hardware.peakFlops, 'GFLOP/s'), more: 'measured by the probe' },
      { term: 'memory', text: rate(hardware.peakBytes, 'GB/s'), more: 'measured by the probe' },
    ] : [
      { term: 'features', text: hardware.features.join(', ') || 'none beyond the base' },
      { term: 'largest buffer', text: bytes(hardware.limits['maxBufferSize'] ?? 0) },
    ]),
    { term: 'this model', text: `${bytes(memory.weights)} of weights`, more: `${bytes(memory.arena)} in between, ${bytes(memory.peak)} at most` },
    await storageFact(),
  ];
  replace(byId('device-facts', HTMLDListElement), ...facts.map(({ term, text, more, state }) =>
    h('div', {}, h('dt', { text: term }), h('dd', state === undefined ? {} : { attr: { 'data-state': state } }, text, more === undefined ? undefined : h('small', { text: more })))));
}

async function gpuFact(): Promise<Fact> {
  const { gpu } = navigator as Partial<Navigator>;
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (!adapter) return { term: 'WebGPU', text: 'no', state: 'no', more: gpu === undefined ? 'this browser has none, or the page is no secure context' : 'no adapter' };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const features = ['shader-f16', 'subgroups', 'timestamp-query'].filter((feature) => adapter.features.has(feature));
  const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'an adapter without a name';
  return { term: 'WebGPU', text: isFallbackAdapter ? 'in software' : 'yes', state: isFallbackAdapter ? 'no' : 'yes', more: [name, ...features].join(', ') };
}

async function storageFact(): Promise<Fact> {
  const { usage = 0, quota = 0 } = await navigator.storage.estimate().catch((): StorageEstimate => ({}));
  return { term: 'kept for the next visit', text: bytes(usage), more: quota === 0 ? 'measurements of kernels' : `measurements of kernels; ${bytes(quota)} would be free` };
}
