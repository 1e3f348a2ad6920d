/**
 * A line between browser and server where both are on one machine: a proxy that hands requests on after a round trip's time, and what comes back no
 * faster than the line is, all connections together. Slower starts of TCP and lost packets are left out.
 */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Line {
  /** Of the server, seen through the line. */
  readonly origin: string;
  close(): void;
}

/** About what a line of 50 Mbit/s carries in a millisecond. */
const partBytes = 8192;

export async function startLine(server: string, { mbits, rttMs }: { readonly mbits: number; readonly rttMs: number }): Promise<Line> {
  const port = Number(new URL(server).port);
  const bytesPerMs = mbits * 125;
  let freeAt = 0;
  const sockets = new Set<Socket>();
  const carry = async (from: Socket, to: Socket): Promise<void> => {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += partBytes) {
        const part = chunk.subarray(at, at + partBytes);
        freeAt = Math.max(freeAt, performance.now()) + part.length / bytesPerMs;
        const wait = freeAt - performance.now();
        if (wait > 1) await delay(wait);
        to.write(part);
      }
    }
    to.end();
  };
  const proxy = createServer((browser) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [browser, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => { browser.destroy(); upstream.destroy(); });
      socket.on('close', () => sockets.delete(socket));
    }
    browser.on('data', (request) => { setTimeout(() => upstream.write(request), rttMs); });
    browser.on('end', () => { upstream.end(); });
    carry(upstream, browser).catch(() => { browser.destroy(); });
  });
  await new Promise<void>((done) => { proxy.listen(0, '127.0.0.1', done); });
  return {
    origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
