/**
 * Small runs without messages, where page and worker can share memory: the worker parks for a moment after each run, and the page writes the
 * next one's feeds beside it and wakes it; results come back the same way. Messages describe a run once (its form); after that only bytes
 * travel. A call costs 35 us beside the model instead of 165 (Chromium 156, called again at once), 160 instead of 330 every 5 ms.
 * What takes no longer than that the page runs itself (guest-run.ts) while the worker goes on waiting: no thread is woken, which in a virtual
 * machine is most of such a call (called in turns of ten with a pause before each: DTLN 0.055 instead of 0.26 ms, BERT-tiny 0.02 instead of 0.11).
 * Invariant: the worker parks only when every message that was posted has been answered, and wakes for the next one; whoever claims it while it
 * is parked, and finds its epoch, is alone at its devices.
 */
import { type SharedRun, guestRun } from './guest-run.ts';
import type { RunRequest, WireTensor } from './model.ts';
import type { Guest, Outcome } from './protocol.ts';

/**
 * `parked`: see `state`. `posted`: messages from the page. `asked`, `answered`: call numbers. `form`: of the call that is asked for. `epoch`: of what
 * the worker shares for runs that the page makes. `made`: how many it made.
 */
const word = { parked: 0, posted: 1, asked: 2, answered: 3, form: 4, epoch: 5, made: 6 } as const;
/** Whether the worker waits; the page claims one that does before it writes into the room, or into the device's memory. */
const state = { awake: 0, parked: 1, claimed: 2 } as const;
const headBytes = 64;
/** For feeds, and after them results. Above some 100 KB copies cost more than messages do. */
const roomBytes = 128 * 1024;
/** Forms that the page knows at a time; the worker, which learns of each in turn, keeps twice as many. */
const mostForms = 8;
/** Milliseconds that a worker waits for the next run: an application that runs a model in every frame finds it waiting. */
export const patienceMs = 40;
/** Milliseconds of one such wait; between two of them the worker's event loop has a turn, which costs nobody anything then. */
const waitMs = 4;
/** Milliseconds of runs that the page makes itself in one task: half a frame. */
const taskMs = 8;

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
  /** The run as the page makes it itself, and in which epoch. */
  guest: { readonly run: ReturnType<typeof guestRun>; readonly epoch: number } | undefined;
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
  /** When the present task of the page's thread made its first run. */
  #began: number | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Shared(memory);
  }

  /** To be called before each message to the worker; what is no run may end what was shared, and memory is not to be held for it. */
  posting(run: boolean): void {
    const { words } = this.#shared;
    if (!run) for (const form of this.#forms.values()) form.guest = undefined;
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
    const made: PageForm = { id: ++this.#lastForm, results: undefined, guest: undefined };
    this.#forms.set(key, made);
    return made;
  }

  /** Asks for a run if the worker waits for one; `done` gets its results unless they come by message. False if it must go by message. */
  ask(call: number, form: PageForm, feeds: Results, done: (results: Results) => void): boolean {
    const { words } = this.#shared;
    const { results } = form;
    if (results === undefined || this.#open !== undefined) return false;
    const { guest } = form;
    if (Atomics.compareExchange(words, word.parked, state.parked, state.claimed) !== state.parked) return false;
    if (guest?.epoch === this.#shared.get('epoch') && this.#mayStay()) {
      const made = this.#make(guest.run, feeds);
      if (made === undefined) return false;
      done(made);
      return true;
    }
    this.#open = call;
    const before = this.#shared.get('answered');
    this.#shared.write(feeds);
    this.#shared.set('form', form.id);
    this.#shared.set('asked', call);
    this.#shared.set('parked', state.awake);
    this.#shared.wake('parked');
    const arrived = (): void => {
      if (this.#open !== call) return;
      const found = this.#shared.read(results, true);
      this.#open = undefined;
      done(found);
    };
    const { async, value } = Atomics.waitAsync(words, word.answered, before);
    if (async) void value.then(arrived);
    else arrived();
    return true;
  }

  /** Whether the page's thread is not yet due for a turn of its event loop: who awaits one such run after the other gives it none. */
  #mayStay(): boolean {
    const now = performance.now();
    if (this.#began === undefined) {
      this.#began = now;
      // A message would come sooner, but takes 40 us.
      setTimeout(() => { this.#began = undefined; });
    }
    return now - this.#began < taskMs;
  }

  /** Makes a run here, while the worker is claimed; undefined if that fails: then the worker will say why. */
  #make(run: ReturnType<typeof guestRun>, feeds: Results): Results | undefined {
    try {
      return run(feeds);
    } catch {
      return undefined;
    } finally {
      this.#shared.set('made', this.#shared.get('made') + 1);
      // Nobody is woken: a worker that waits for its claim to end looks for itself.
      this.#shared.set('parked', state.parked);
    }
  }

  /** A run of that form was answered by message. */
  told(call: number, form: PageForm, results: Results | undefined, shared: Guest | undefined): void {
    if (this.#open === call) this.#open = undefined;
    form.results = results && headersOf(results);
    try {
      if (shared !== undefined) form.guest = { run: guestRun(shared.run), epoch: shared.epoch };
    } catch {
      // A policy of the page's.
    }
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

/** Milliseconds between looks at whether the page has ended its claim. */
const claimMs = 1;

/** The worker's side. */
export class ShortWayEnd {
  readonly #shared: Shared;
  readonly #forms = new Map<number, EndForm>();
  /** Whether the page may still make runs of a form as it was told. */
  readonly #holds = new Map<number, () => boolean>();
  /** Messages dispatched so far, and answers to them; whoever listens counts. */
  received = 0;
  sent = 0;
  #lastAsked = 0;
  #lastMade = 0;
  #epoch = 0;

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

  /** What a page that knows the form needs to make such runs, once. */
  share(form: number | undefined, share: () => SharedRun | undefined): Guest | undefined {
    if (form === undefined || !this.#forms.has(form) || this.#holds.has(form)) return undefined;
    const shared = share();
    if (shared === undefined) return undefined;
    this.#holds.set(form, shared.holds);
    return { run: shared.run, epoch: this.#epoch };
  }

  /** What was shared is so no more. */
  unshare(): void {
    this.#holds.clear();
    this.#epoch++;
  }

  /** Whether the page has made runs since this was asked. */
  guestRan(): boolean {
    return this.#lastMade !== (this.#lastMade = this.#shared.get('made'));
  }

  /**
   * Lets the page ask, if it waits for no other answer; `take` must follow where this is true. To be called before an answer is sent: the page often
   * has the next run before this thread goes on. `answers`: how many messages that answer answers.
   */
  offer(answers = 0): boolean {
    const free = this.#shared.get('posted') === this.received && this.sent + answers === this.received;
    if ([...this.#holds.values()].some((holds) => !holds())) this.unshare();
    this.#shared.set('epoch', this.#epoch);
    if (free) this.#shared.set('parked', state.parked);
    return free;
  }

  /** Waits a moment, blocking this thread, for the next run; undefined if none came, or a message did. Its feeds hold until `answer`. */
  take(): Asked | undefined {
    const shared = this.#shared;
    const { words } = shared;
    for (;;) {
      Atomics.wait(words, word.parked, state.parked, waitMs);
      if (Atomics.compareExchange(words, word.parked, state.parked, state.awake) !== state.claimed) break;
      // The page is writing, or makes a run itself.
      Atomics.wait(words, word.parked, state.claimed, claimMs);
    }
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
