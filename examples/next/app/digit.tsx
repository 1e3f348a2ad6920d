'use client';

import { useInference, useModel } from 'quern/react';

/** A one: an upright stroke in the middle of 28×28 pixels. */
const image = Float32Array.from({ length: 28 * 28 }, (_, i) => {
  const [x, y] = [i % 28, Math.floor(i / 28)];
  return y > 3 && y < 24 && x > 12 && x < 15 ? 1 : 0;
});

export function Digit() {
  const model = useModel('/digits.onnx');
  const { outputs } = useInference(model, { image }, { key: 0 });
  if (model.status === 'error') return <button onClick={model.retry}>{model.error.message}. Try again</button>;
  const scores = Array.from((outputs?.probabilities?.data ?? []) as Float32Array);
  return (
    <>
      <p>The model is {model.status}. It sees a</p>
      <output>{scores.length === 0 ? '–' : scores.indexOf(Math.max(...scores))}</output>
    </>
  );
}
