/**
 * Two web servers on two origins, as a site and its CDN: pages with the headers a test asks for, the built bundle, the script-tag
 * example, and files that tests put there. Page addresses: /page?isolated=1&csp=POLICY&script=URL.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const examples = fileURLToPath(new URL('../examples/script-tag/', import.meta.url));

export interface Site {
  /** Where pages come from. */
  readonly origin: string;
  /** Another origin, which allows itself to be used from anywhere. */
  readonly cdn: string;
  /** Serves bytes under /files/NAME on both origins. */
  put(name: string, bytes: Uint8Array): void;
  /** Requests so far whose path ends so. */
  requests(path: string): number;
  close(): Promise<void>;
}

export interface PageOptions {
  /** COOP and COEP. */
  readonly isolated?: boolean;
  readonly csp?: string;
  /** Addresses of classic scripts. */
  readonly scripts?: readonly string[];
}

export const pageUrl = (site: Site, { isolated = false, csp, scripts = [] }: PageOptions): string => {
  const query = new URLSearchParams();
  if (isolated) query.set('isolated', '1');
  if (csp !== undefined) query.set('csp', csp);
  for (const script of scripts) query.append('script', script);
  return `${site.origin}/page?${query.toString()}`;
};

export async function startSite(): Promise<Site> {
  const files = new Map<string, Uint8Array>();
  const seen: string[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    respond(request, response, files, seen).catch((error: unknown) => { response.writeHead(500).end(String(error)); });
  };
  const [first, second] = [createServer(handle), createServer(handle)];
  const [origin, cdn] = [await listen(first), await listen(second)];
  return {
    origin,
    cdn,
    put: (name, bytes) => void files.set(name, bytes),
    requests: (path) => seen.filter((p) => p.endsWith(path)).length,
    close: async () => { await Promise.all([first, second].map(stop)); },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const stop = (server: Server): Promise<void> => new Promise((done) => {
  server.close(() => { done(); });
  server.closeAllConnections();
});

async function respond(request: IncomingMessage, response: ServerResponse, files: ReadonlyMap<string, Uint8Array>, seen: string[]): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  seen.push(pathname);
  // Assets are open to any page, isolated ones included; a worker script must say itself that it keeps to COEP.
  const open = {
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cache-Control': 'no-store',
  };
  if (pathname === '/page') {
    const scripts = searchParams.getAll('script').map((src) => `<script src="${src}"></script>`).join('');
    const csp = searchParams.get('csp');
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      ...(searchParams.has('isolated') ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } : {}),
      ...(csp === null ? {} : { 'Content-Security-Policy': csp }),
    }).end(`<!doctype html><title>quern</title><link rel="icon" href="data:,">${scripts}`);
    return;
  }
  const example = /^\/examples\/script-tag\/(?<file>index\.html|digits\.onnx)$/.exec(pathname)?.groups?.['file'];
  if (example !== undefined) {
    response.writeHead(200, { ...open, 'Content-Type': example.endsWith('.html') ? 'text/html; charset=utf-8' : 'application/octet-stream' })
      .end(await readFile(`${examples}${example}`));
    return;
  }
  const [, folder, name = ''] = pathname.split('/');
  if (folder === 'dist' && /^[\w.-]+\.js$/.test(name)) {
    const script = await readFile(`${dist}${name}`).catch(() => undefined);
    response.writeHead(script === undefined ? 404 : 200, { ...open, 'Content-Type': 'text/javascript' }).end(script);
    return;
  }
  const bytes = folder === 'files' ? files.get(name) : undefined;
  const type = name.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
  if (bytes === undefined) response.writeHead(404, open).end();
  else response.writeHead(200, { ...open, 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes);
}
