/** The demo page: puts its panels together and loads the digit model. */
import { load, QuernError, type Report, type Session } from '../engine/index.ts';
import { showDevice as showDevicePanel } from './device.ts';
import { digitPanel } from './digits.ts';
import { byId } from './dom.ts';
import { bytes, milliseconds, plural } from './format.ts';
import { isolate } from './isolate.ts';
import { kernelPanel } from './kernels.ts';
import digitModel from './models/digits.onnx?url';
import { ownPanel } from './own.ts';
import { size } from './raster.ts';

const chip = byId('chip', HTMLParagraphElement);

function showDevice(report: Report): void {
  const { device, threads, isolated, why } = report;
  void showDevicePanel(report);
  chip.textContent = device === 'webgpu' ? 'GPU · WebGPU' : `CPU · WebAssembly · ${plural(threads, 'thread')}`;
  chip.title = `${why}${isolated ? '' : '; not cross-origin isolated, so one thread'}`;
  chip.dataset['state'] = 'ready';
}

const kernels = kernelPanel(showDevice);
const digits = digitPanel(() => { kernels.refresh(); });
// Its kernels can be measured once a run has said at which sizes; the engine's own tuning in the background would not be seen.
let tuned: Session | undefined;
ownPanel((session, name) => { kernels.set('own', name, session); }, (session) => {
  if (session === tuned) {
    kernels.refresh();
  } else {
    tuned = session;
    kernels.tune();
  }
});

async function start(): Promise<Session> {
  const state = byId('digit-state', HTMLParagraphElement);
  const begun = performance.now();
  try {
    let loadedBytes = 0;
    const session = await load(digitModel, { tune: 'off', onProgress: ({ phase, loaded }) => { if (phase === 'download') loadedBytes = Math.max(loadedBytes, loaded); } });
    const text = `a convolutional network of ${bytes(loadedBytes)}, ready in ${milliseconds(performance.now() - begun)}`;
    state.textContent = text;
    // An empty picture says at which sizes kernels run, so that they can be measured before the first stroke.
    await session.run({ image: { data: new Float32Array(size * size), dims: [1, 1, size, size] } });
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
kernels.tune();
