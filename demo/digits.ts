/**
 * The first panel: strokes in, probabilities out, as fast as the model runs. At most one run is under way; movements that come meanwhile are
 * answered by one more run of the latest drawing.
 */
import type { Session } from '../engine/index.ts';
import { byId, h, replace, themeColor } from './dom.ts';
import { milliseconds, percent } from './format.ts';
import examples from './models/examples.json';
import { makePad } from './pad.ts';
import { rasterise, size, type Stroke } from './raster.ts';

/** Shows the panel; `attach` gives it the session once there is one. */
export function digitPanel(onRun: () => void): { attach(session: Session): void } {
  const verdict = byId('verdict', HTMLOutputElement);
  const timing = byId('timing', HTMLParagraphElement);
  const seen = byId('seen', HTMLCanvasElement);
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const fill = h('span', { class: 'fill' });
    const number = h('span', { text: '' });
    const row = h('li', {}, h('span', { text: String(digit) }), h('span', { class: 'track' }, fill), number);
    return { fill, number, row };
  });
  replace(byId('bars', HTMLOListElement), ...bars.map((bar) => bar.row));

  let session: Session | undefined;
  let strokes: readonly Stroke[] = [];
  let busy = false;
  // Drawings that were asked about, and the last of them that got its answer.
  let [asked, answered] = [0, 0];
  const recent: number[] = [];

  /** One run of the drawing as it is now. */
  const answer = async (model: Session): Promise<void> => {
    const image = rasterise(strokes);
    showPicture(seen, image);
    if (strokes.length === 0) {
      showProbabilities(undefined);
      return;
    }
    const since = performance.now();
    const { probabilities } = await model.run({ image: { data: image, dims: [1, 1, size, size] } });
    recent.push(performance.now() - since);
    if (recent.length > 15) recent.shift();
    showProbabilities([...(probabilities?.data ?? [])].map(Number));
    const median = [...recent].sort((a, b) => a - b)[recent.length >> 1] ?? 0;
    timing.textContent = `${milliseconds(median)} from ink to answer, worker and back`;
    onRun();
  };

  const predict = async (): Promise<void> => {
    asked += 1;
    if (session === undefined || busy) return;
    busy = true;
    try {
      while (answered < asked) {
        answered = asked;
        await answer(session);
      }
    } catch (error) {
      timing.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      busy = false;
    }
  };

  const showProbabilities = (values: readonly number[] | undefined): void => {
    const best = values === undefined ? -1 : values.indexOf(Math.max(...values));
    verdict.textContent = best === -1 ? '–' : String(best);
    bars.forEach(({ fill, number, row }, digit) => {
      const value = values?.[digit] ?? 0;
      fill.style.transform = `scaleX(${value.toFixed(4)})`;
      number.textContent = values === undefined ? '' : percent(value);
      row.classList.toggle('best', digit === best);
    });
  };

  const pad = makePad(byId('pad', HTMLCanvasElement), (drawn) => {
    strokes = drawn;
    void predict();
  });
  byId('clear', HTMLButtonElement).addEventListener('click', () => { pad.clear(); });
  replace(
    byId('examples', HTMLDivElement),
    ...examples.digits.map((digit, i) =>
      h('button', {
        text: String(i),
        attr: { type: 'button', 'aria-label': `Draw an example of ${String(i)}` },
        on: { click: () => { pad.show(digit.map((stroke) => stroke.map(([x = 0, y = 0]) => ({ x, y })))); } },
      }),
    ),
  );
  showPicture(seen, rasterise([]));

  return {
    attach(ready) {
      session = ready;
      void predict();
    },
  };
}

function showPicture(canvas: HTMLCanvasElement, image: Float32Array): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, size, size);
  context.fillStyle = themeColor('--ink');
  image.forEach((ink, i) => {
    context.globalAlpha = ink;
    if (ink > 0) context.fillRect(i % size, Math.floor(i / size), 1, 1);
  });
  context.globalAlpha = 1;
}
