/** The built engine as the harness uses it: the script beside this one's folder, loaded as a visitor's page would load it. */
import type { HostTensor } from './compare.ts';
import type { LoadRequest } from '../protocol.ts';

export type Engine = typeof import('../../engine/index.ts');
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
    dims: request.dims,
    tune,
    ...(request.threads === undefined ? {} : { threads: request.threads }),
  });
}

/** All outputs on the page's side. */
export async function runSession(session: Session, feeds: Feeds): Promise<Record<string, HostTensor>> {
  const outputs = await session.run(feeds);
  return Object.fromEntries(Object.entries(outputs).map(([name, { dtype, dims, data }]) => [name, { dtype, dims, data }]));
}
