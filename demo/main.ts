/** The demo page: puts its panels together and loads the digit model. */
import { load, QuernError, type Report, type Session } from '../engine/index.ts';
import { digitPanel } from './digits.ts';
import { byId } from './dom.ts';
import { bytes, milliseconds, plural } from './format.ts';
import { isolate } from './isolate.ts';
import { kernelPanel } from './kernels.ts';
import digitModel from './models/digits.onnx?url';
import { ownPanel } from './own.ts';

const chip = byId('chip', HTMLParagraphElement);

function showDevice({ device, threads, isolated, why }: Report): void {
  chip.textContent = device === 'webgpu' ? 'GPU · WebGPU' : `CPU · WebAssembly · ${plural(threads, 'thread')}`;
  chip.title = `${why}${isolated ? '' : '; not cross-origin isolated, so one thread'}`;
  chip.dataset['state'] = 'ready';
}

const kernels = kernelPanel(showDevice);
const digits = digitPanel(() => { kernels.refresh(); });
ownPanel((session, name) => { kernels.set('own', name, session); }, () => { kernels.refresh(); });

async function start(): Promise<Session> {
  const state = byId('digit-state', HTMLParagraphElement);
  const begun = performance.now();
  try {
    let size = 0;
    const session = await load(digitModel, { onProgress: ({ phase, loaded }) => { if (phase === 'download') size = Math.max(size, loaded); } });
    const text = `a convolutional network of ${bytes(size)}, ready in ${milliseconds(performance.now() - begun)}`;
    state.textContent = text;
    digits.attach(session);
    kernels.set('digits', 'Digits', session);
    return session;
  } catch (error) {
    chip.textContent = 'cannot run here';
    chip.dataset['state'] = 'bad';
    state.textContent = error instanceof QuernError || error instanceof Error ? error.message : String(error);
    throw error;
  }
}

await isolate();
await start();
