/** Draw a digit: the model loads while the component is mounted, and runs again with every stroke. */
import { useRef, useState, type PointerEvent } from 'react';
import { useInference, useModel } from 'quern/react';

const side = 28;

export function Digits() {
  const pad = useRef<HTMLCanvasElement>(null);
  const [strokes, setStrokes] = useState(0);
  const model = useModel('digits.onnx');
  // Feeds are made only when there is a run to make; `key` says when they are new ones.
  const { outputs, error } = useInference(model, () => ({ image: pixels(pad.current!) }), { key: strokes, overlap: 'finish' });

  if (model.status === 'error') return <button onClick={model.retry}>{model.error.message}. Try again</button>;
  const scores = Array.from((outputs?.probabilities?.data ?? []) as Float32Array);

  const draw = (event: PointerEvent<HTMLCanvasElement>) => {
    const { offsetX, offsetY, buttons, type } = event.nativeEvent;
    const ink = event.currentTarget.getContext('2d')!;
    const scale = side / event.currentTarget.clientWidth;
    if (type === 'pointerdown') {
      event.currentTarget.setPointerCapture(event.pointerId);
      Object.assign(ink, { strokeStyle: 'white', lineWidth: 2.2, lineCap: 'round', lineJoin: 'round' });
      ink.beginPath();
      ink.moveTo(offsetX * scale, offsetY * scale);
    } else if (buttons !== 0) {
      ink.lineTo(offsetX * scale, offsetY * scale);
      ink.stroke();
      setStrokes((n) => n + 1);
    }
  };

  return (
    <main style={{ font: '1rem/1.5 system-ui, sans-serif', maxWidth: '22rem', margin: '2rem auto' }}>
      <h1>Draw a digit</h1>
      <canvas ref={pad} width={side} height={side} aria-label="Drawing field" onPointerDown={draw} onPointerMove={draw}
        style={{ width: '100%', imageRendering: 'pixelated', background: 'black', touchAction: 'none' }} />
      <output style={{ fontSize: '3rem' }}>{strokes > 0 && scores.length > 0 ? scores.indexOf(Math.max(...scores)) : '–'}</output>
      <p>{error?.message ?? (model.status === 'ready' ? `ready on ${model.session.device}, ${model.session.threads} thread(s)` : `loading: ${model.progress?.phase ?? ''}`)}</p>
    </main>
  );
}

function pixels(canvas: HTMLCanvasElement): Float32Array {
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, side, side);
  return Float32Array.from({ length: side * side }, (_, i) => (data[4 * i] ?? 0) / 255);
}
