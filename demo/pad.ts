/**
 * The drawing field: collects pen strokes from mouse, touch, pen and keyboard, and shows them. In: a canvas. Out: `onChange` with all strokes in
 * a unit square, after every movement. Coalesced pointer events are taken too, since a fast hand outruns the frame rate.
 */
import { themeColor } from './dom.ts';
import { fitted, type Point, type Stroke } from './raster.ts';

export interface Pad {
  clear(): void;
  /** Shows these strokes, fitted into the field. */
  show(strokes: readonly Stroke[]): void;
}

/** Of the field's side: the pen's width, and one step of the arrow keys. */
const penWidth = 1 / 13;
const step = 1 / 24;

export function makePad(canvas: HTMLCanvasElement, onChange: (strokes: readonly Stroke[]) => void): Pad {
  let strokes: Point[][] = [];
  let pointer: number | undefined;
  /** The keyboard's pen; seen only while keys are in use. */
  const keys = { x: 0.5, y: 0.5, down: false, visible: false };

  const paint = (): void => {
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (side === 0) return;
    if (canvas.width !== side) [canvas.width, canvas.height] = [side, side];
    const context = canvas.getContext('2d');
    if (context === null) return;
    context.clearRect(0, 0, side, side);
    context.lineCap = context.lineJoin = 'round';
    context.strokeStyle = context.fillStyle = themeColor('--ink');
    context.lineWidth = side * penWidth;
    for (const stroke of strokes) {
      const [first] = stroke;
      if (first === undefined) continue;
      context.beginPath();
      context.moveTo(first.x * side, first.y * side);
      // A stroke of one point is a line of no length, which round caps make a dot. Corners are rounded: points are where the hand was seen.
      stroke.forEach((p, i) => {
        const next = stroke[i + 1] ?? p;
        if (i > 0 || stroke.length === 1) context.quadraticCurveTo(p.x * side, p.y * side, ((p.x + next.x) / 2) * side, ((p.y + next.y) / 2) * side);
      });
      context.stroke();
    }
    if (!keys.visible) return;
    context.strokeStyle = themeColor('--accent');
    context.lineWidth = Math.max(2, side / 160);
    context.beginPath();
    context.arc(keys.x * side, keys.y * side, (side * penWidth) / 2, 0, 2 * Math.PI);
    context.stroke();
    if (keys.down) context.fill();
  };

  const changed = (): void => {
    paint();
    onChange(strokes);
  };

  const pointOf = (event: PointerEvent): Point => {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (pointer !== undefined || event.button !== 0) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    keys.visible = keys.down = false;
    strokes.push([pointOf(event)]);
    changed();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents();
    strokes.at(-1)?.push(...(events.length > 0 ? events : [event]).map(pointOf));
    changed();
  });
  const lift = (event: PointerEvent): void => {
    if (event.pointerId === pointer) pointer = undefined;
  };
  canvas.addEventListener('pointerup', lift);
  canvas.addEventListener('pointercancel', lift);

  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
  };
  canvas.addEventListener('keydown', (event) => {
    const move = moves[event.key];
    if (move !== undefined) {
      [keys.x, keys.y] = [Math.min(1, Math.max(0, keys.x + move[0])), Math.min(1, Math.max(0, keys.y + move[1]))];
      if (keys.down) strokes.at(-1)?.push({ x: keys.x, y: keys.y });
    } else if (event.key === ' ') {
      keys.down = !keys.down;
      if (keys.down) strokes.push([{ x: keys.x, y: keys.y }]);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      strokes = [];
      keys.down = false;
    } else return;
    event.preventDefault();
    keys.visible = true;
    changed();
  });
  canvas.addEventListener('blur', () => {
    keys.visible = keys.down = false;
    paint();
  });

  new ResizeObserver(paint).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);

  return {
    clear() {
      strokes = [];
      changed();
    },
    show(given) {
      strokes = fitted(given, 0.7, 0.5);
      changed();
    },
  };
}
