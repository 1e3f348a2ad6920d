/**
 * The engines Quern is compared with, installed on first use into a folder of their own (.peers/, ignored by git): they are tools of a
 * benchmark and never dependencies. `--ignore-scripts` because onnxruntime-node's wants a CUDA download; its CPU binary is in the package.
 */
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError } from './browser.ts';
import { packageRoot } from './server.ts';

export type Peer = 'ort-web' | 'ort-node';

const packages: Readonly<Record<Peer, string>> = { 'ort-web': 'onnxruntime-web', 'ort-node': 'onnxruntime-node' };

/** The folder of the peer's package, installed if need be. Throws `SetupError` if npm fails. */
export async function peerFolder(peer: Peer, say: (line: string) => void): Promise<string> {
  const root = packageRoot();
  // As a package of somebody's, there is no place for it but where the command runs.
  const peers = join(root.includes('/node_modules/') ? process.cwd() : root, '.peers');
  const name = packages[peer];
  const folder = join(peers, 'node_modules', name);
  const installed = await access(join(folder, 'package.json')).then(() => true, () => false);
  if (!installed) {
    say(`installing ${name} into ${peers}`);
    const code = await new Promise<number | null>((done) => {
      const child = spawn('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', peers, name], { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });
      child.on('close', done);
      child.on('error', () => { done(null); });
    });
    if (code !== 0) throw new SetupError(`npm could not install ${name} into ${peers}`);
  }
  return folder;
}
