/**
 * Small runs without messages, where page and worker can share memory: the worker parks for a moment after each run, and the page writes the
 * next one's feeds beside it and wakes it; results come back the same way. Messages describe a run once (its form); after that only bytes
 * travel. A call costs 35 us beside the model instead of 165 (Chromium 156, called again at once), 160 instead of 330 every 5 ms; where both ends
 * look for each other (`spinMs`, `glanceMs`), a whole call of a model of MNIST takes 55 us instead of 125 at best.
 * Invariant: the worker parks only when every message that was posted has been answered, and wakes for the next one.
 */
import type { RunRequest, WireTensor } from './model.ts';
import type { Outcome } from './protocol.ts';

/** `parked`: see `state`. `posted`: messages from the page. `asked`, `answered`: call numbers. `form`: of the call that is asked for. */
const word = { parked: 0, posted: 1, asked: 2, answered: 3, form: 4 } as const;
/** Whether the worker waits, asleep or looking; the page claims one that does before it writes into the room. */
const state = { awake: 0, parked: 1, claimed: 2, looking: 3 } as const;
const headBytes = 64;
/** For feeds, and after them results. Above some 100 KB copies cost more than messages do. */
const roomBytes = 128 * 1024;
/** Forms that the page knows at a time; the worker, which learns of each in turn, keeps twice as many. */
const mostForms = 8;
/** Milliseconds that a worker waits for the next run: an application that runs a model in every frame finds it waiting. */
export const patienceMs = 40;
/** Milliseconds of one such wait; between two of them the worker's event loop has a turn, which costs nobody anything then. */
const waitMs = 4;
/** Milliseconds of looking before that, where the last run came as soon: waking a thread takes 5 us if its core is awake, else 50. */
const spinMs = 0.2;
/**
 * A page that runs a model of no more than this many milliseconds looks for the answer, too, instead of having its event loop told of it. Only
 * where the worker looked for the question: one that has to be woken is put on the core of whoever wakes it, and waits there for it to stop
 * looking (DTLN after a pause: 0.8 instead of 0.35 ms). What the page looked for in vain it awaits the next time, and after each further miss twice
 * as often, up to so many times.
 */
const glanceMs = 0.5;
const mostShy = 16;

type Results = Readonly<Record<string, WireTensor>>;
type Header = readonly [name: string, dtype: WireTensor['dtype'], dims: readonly number[], bytes: number];

/** What is sure about tensors before their bytes are there; undefined where they do not fit or are on the device. */
function headersOf(tensors: Results): Header[] | undefined {
  const headers: Header[] = [];
  let room = roomBytes;
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.kind !== 'bytes' || (room -= tensor.bytes.byteLength) < 0) return undefined;
    headers.push([name, tensor.dtype, tensor.dims, tensor.bytes.byteLength]);
  }
  return headers;
}

const shapesOf = (headers: readonly Header[] | undefined): string | undefined => headers?.map(([, , dims]) => dims.join()).join(';');

class Shared {
  readonly words: Int32Array;
  readonly #room: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, headBytes / 4);
    this.#room = new Uint8Array(buffer, headBytes);
  }

  get(at: keyof typeof word): number {
    return Atomics.load(this.words, word[at]);
  }

  set(at: keyof typeof word, value: number): void {
    Atomics.store(this.words, word[at], value);
  }

  wake(at: keyof typeof word): void {
    Atomics.notify(this.words, word[at]);
  }

  write(tensors: Results): void {
    let at = 0;
    for (const tensor of Object.values(tensors)) {
      if (tensor.kind !== 'bytes') continue;
      this.#room.set(tensor.bytes, at);
      at += tensor.bytes.byteLength;
    }
  }

  /** Tensors of these headers: copies, or views that hold until the next write. */
  read(headers: readonly Header[], copy: boolean): Results {
    const tensors: Record<string, WireTensor> = {};
    let at = 0;
    for (const [name, dtype, dims, size] of headers) {
      const bytes = this.#room.subarray(at, at + size);
      tensors[name] = { kind: 'bytes', dtype, dims, bytes: copy ? new Uint8Array(bytes) : bytes };
      at += size;
    }
    return tensors;
  }
}

export interface PageForm {
  readonly id: number;
  /** Of the last results; before there are any, or where they stay on the device, the run goes by message. */
  results: readonly Header[] | undefined;
  /** Answers to come in time before the page looks for one itself, and how many that will be after the next one that it looks for in vain. */
  shy: number;
  shyNext: number;
}

/** Memory for the short way; undefined where it cannot be shared, or a page cannot wait in it. */
export const shortWayMemory = (): SharedArrayBuffer | undefined =>
  globalThis.crossOriginIsolated && 'SharedArrayBuffer' in globalThis && 'waitAsync' in Atomics ? new SharedArrayBuffer(headBytes + roomBytes) : undefined;

/** The page's side. */
export class ShortWay {
  readonly #shared: Shared;
  readonly #forms = new Map<string, PageForm>();
  #lastForm = 0;
  /** The call whose feeds or results are in the room. */
  #open: number | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Shared(memory);
  }

  /** To be called before each message to the worker. */
  posting(): void {
    const { words } = this.#shared;
    Atomics.add(words, word.posted, 1);
    if (Atomics.exchange(words, word.parked, state.awake) !== state.awake) this.#shared.wake('parked');
  }

  /** The form of a run; undefined for one that must go by message. */
  form(session: number, { feeds, outputs, keep }: RunRequest): PageForm | undefined {
    const headers = keep === undefined ? headersOf(feeds) : undefined;
    if (headers === undefined) return undefined;
    // Names and types are the session's.
    const key = `${session};${shapesOf(headers)};${outputs === undefined ? '' : JSON.stringify(outputs)}`;
    const known = this.#forms.get(key);
    if (known !== undefined) return known;
    if (this.#forms.size === mostForms) this.#forms.clear();
    const made: PageForm = { id: ++this.#lastForm, results: undefined, shy: 1, shyNext: 1 };
    this.#forms.set(key, made);
    return made;
  }

  /** Asks for a run if the worker waits for one; `done` gets its results unless they come by message. False if it must go by message. */
  ask(call: number, form: PageForm, feeds: Results, done: (results: Results) => void): boolean {
    const { words } = this.#shared;
    const { results } = form;
    if (results === undefined || this.#open !== undefined) return false;
    const waited = [state.looking, state.parked].find((from) => Atomics.compareExchange(words, word.parked, from, state.claimed) === from);
    if (waited === undefined) return false;
    this.#open = call;
    const before = this.#shared.get('answered');
    this.#shared.write(feeds);
    this.#shared.set('form', form.id);
    this.#shared.set('asked', call);
    this.#shared.set('parked', state.awake);
    this.#shared.wake('parked');
    const began = performance.now();
    const late = (): boolean => performance.now() - began > glanceMs;
    const arrived = (): void => {
      if (this.#open !== call) return;
      const found = this.#shared.read(results, true);
      this.#open = undefined;
      done(found);
    };
    if (waited === state.looking && form.shy <= 0) {
      while (this.#shared.get('answered') === before && !late());
      const missed = this.#shared.get('answered') === before;
      form.shy = missed ? form.shyNext : 0;
      form.shyNext = missed ? Math.min(2 * form.shyNext, mostShy) : 1;
    }
    const { async, value } = Atomics.waitAsync(words, word.answered, before);
    if (!async) arrived();
    else {
      void value.then(() => {
        if (!late()) form.shy--;
        arrived();
      });
    }
    return true;
  }

  /** A run of that form was answered by message. */
  told(call: number, form: PageForm, results: Results | undefined): void {
    if (this.#open === call) this.#open = undefined;
    form.results = results && headersOf(results);
  }
}

/** A run that was asked for in shared memory. */
export interface Asked {
  readonly call: number;
  readonly form: number;
  readonly session: number;
  readonly request: RunRequest;
}

interface EndForm {
  readonly session: number;
  readonly request: RunRequest;
  readonly feeds: readonly Header[];
  readonly results: string | undefined;
}

/** The worker's side. */
export class ShortWayEnd {
  readonly #shared: Shared;
  readonly #forms = new Map<number, EndForm>();
  /** Messages dispatched so far, and answers to them; whoever listens counts. */
  received = 0;
  sent = 0;
  #lastAsked = 0;
  #looks = false;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Shared(memory);
  }

  /** Learns of a form by the run that came as a message, and what its answer, also a message, looked like. */
  remember(form: number | undefined, session: number, request: RunRequest, outcome: Outcome<Results>): void {
    if (form === undefined) return;
    this.#forms.delete(form);
    const feeds = headersOf(request.feeds);
    if (feeds === undefined || !outcome.ok) return;
    this.#forms.set(form, { session, request: { ...request, feeds: {} }, feeds, results: shapesOf(headersOf(outcome.value)) });
    for (const old of this.#forms.keys()) {
      if (this.#forms.size <= 2 * mostForms) break;
      this.#forms.delete(old);
    }
  }

  /**
   * Lets the page ask, if it waits for no other answer; `take` must follow where this is true. To be called before an answer is sent: the page often
   * has the next run before this thread goes on. `answers`: how many messages that answer answers.
   */
  offer(answers = 0): boolean {
    const free = this.#shared.get('posted') === this.received && this.sent + answers === this.received;
    if (free) this.#shared.set('parked', this.#looks ? state.looking : state.parked);
    return free;
  }

  /** Waits a moment, blocking this thread, for the next run; undefined if none came, or a message did. Its feeds hold until `answer`. */
  take(): Asked | undefined {
    const shared = this.#shared;
    const { words } = shared;
    const began = performance.now();
    while (shared.get('parked') === state.looking && performance.now() - began < spinMs);
    Atomics.compareExchange(words, word.parked, state.looking, state.parked);
    Atomics.wait(words, word.parked, state.parked, waitMs);
    // The page is writing if it has claimed us.
    if (Atomics.compareExchange(words, word.parked, state.parked, state.awake) === state.claimed) Atomics.wait(words, word.parked, state.claimed);
    this.#looks = performance.now() - began < spinMs;
    const call = shared.get('asked');
    if (call === this.#lastAsked) return undefined;
    this.#lastAsked = call;
    const form = shared.get('form');
    const known = this.#forms.get(form);
    // What the page holds for known, this side does as well: it keeps more.
    if (known === undefined) throw new Error('a run of an unknown form was asked for');
    return { call, form, session: known.session, request: { ...known.request, feeds: shared.read(known.feeds, false) } };
  }

  /** Answers a run that was asked for in shared memory; false where its results are not of the form's and must go by message. */
  answer(call: number, form: number, results: Results): boolean {
    const shapes = shapesOf(headersOf(results));
    if (shapes === undefined || shapes !== this.#forms.get(form)?.results) return false;
    this.#shared.write(results);
    this.#shared.set('answered', call);
    this.#shared.wake('answered');
    return true;
  }
}
