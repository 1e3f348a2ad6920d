/** The built engine as the harness uses it: the script beside this one's folder, loaded as a visitor's page would load it. */
import type { Tensor } from '../../engine/index.ts';
import type * as quern from '../../engine/index.ts';
import type { HostTensor } from './compare.ts';
import type { LoadRequest } from '../protocol.ts';

export type Engine = typeof quern;
export type Session = Awaited<ReturnType<Engine['load']>>;
export type Feeds = Readonly<Record<string, HostTensor>>;

/** dist/quern.js, one folder above dist/cli/page.mjs. */
const base = import.meta.url;

/** A browser keeps a module it has once loaded, so only the first call costs a fetch. */
export async function loadEngine(): Promise<Engine> {
  return (await import(/* @vite-ignore */ new URL('../quern.js', base).href)) as Engine;
}

export async function loadModel(request: LoadRequest, { tune }: { readonly tune: 'off' | 'background' | 'blocking' }): Promise<Session> {
  const { load } = await loadEngine();
  return load(new URL(request.model, location.href), {
    device: request.device,
    precision: request.precision,
    dims: request.dims,
    tune,
    ...(request.threads === undefined ? {} : { threads: request.threads }),
  });
}

/** All outputs on the page's side. */
export const runSession = async (session: Session, feeds: Feeds): Promise<Record<string, HostTensor>> => onPage(await session.run(feeds));

export async function onPage(outputs: Readonly<Record<string, Tensor>>): Promise<Record<string, HostTensor>> {
  return Object.fromEntries(await Promise.all(Object.entries(outputs).map(async ([name, t]): Promise<[string, HostTensor]> => {
    const data = await t.read();
    // Files hold float16 as bits; a Float16Array's buffer is just that.
    const bits = t.dtype === 'float16' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
    return [name, { dtype: t.dtype, dims: t.dims, data: bits }];
  })));
}
