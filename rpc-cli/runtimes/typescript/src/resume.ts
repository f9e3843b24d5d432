// A transport that outlives those below it: when one is cut, it opens another and goes on where it was. Protocol and calls
// above notice nothing. PROTOCOL §25. Nothing else imports this, so that programs which do not resume do not carry it.

import { ProtocolError } from "./errors.js";
import { concat, decodeGoaway, encodeFrame, Kind, PREFACE, view } from "./frames.js";
import { entries } from "./metadata.js";
import { Session } from "./session.js";
import { type Timer, unref } from "./timers.js";
import type { Open, Transport, TransportEvents } from "./transport.js";

/** How a connection outlives its transports. */
export interface ResumeOptions {
  /** Milliseconds for which a connection that is cut tries to go on, 30,000 if left out; then it is lost. */
  readonly window?: number;
  /** Bytes that are sent before the server says that they have arrived, 1 MiB if left out and 256 KiB at least. */
  readonly journal?: number;
  /** Milliseconds between the first attempts, 100 if left out; 1.6 times as long each time, up to 2,000. */
  readonly firstDelay?: number;
}

/** Makes of a way to open transports one that opens such as outlive them. */
export type Resume = (opens: Open) => Open;

const WINDOW = 30_000;
const JOURNAL = 1 << 20;
const LEAST_JOURNAL = 256 << 10;
const FIRST_DELAY = 100;
const LONGEST_DELAY = 2000;
const GROWTH = 1.6;
const JITTER = 0.2;
/** Milliseconds for an attempt. */
const HANDSHAKE = 5000;
/** Milliseconds for the server to say that all has arrived, when the connection closes. */
const LEAVING = 5000;
/** Milliseconds without a byte before the server is told what has come. */
const QUIET = 250;
/** Bytes that are sent again in one piece. */
const PIECE = 4096;
/** Bytes of the longest frame about a connection. */
const MOST_LOOKED_AT = 4096;
const HEAD = 8;
const FEATURES = 10;
const SESSION = 12;
const REFUSED = 13;
const ACKNOWLEDGEMENT = 1;
const LEAVE = 2;
const NOTHING = new Uint8Array(0);

/**
 * Has a connection go on over another transport when its own is cut, where the server resumes as well: `connect(address,
 * { resume: resume() })`. Needs the cryptography of the Web, which browsers have on pages by HTTPS or from localhost; without
 * it connections are lost as without this.
 */
export function resume(options: ResumeOptions = {}): Resume {
  return (opens) => {
    const able = (globalThis as { crypto?: { subtle?: unknown } }).crypto?.subtle !== undefined;
    return able ? (events) => new Resuming(opens, events, options) : opens;
  };
}

/** The hello of the other side, as far as it is about the session. */
interface Answer {
  /** Bytes of preface and hello. */
  readonly length: number;
  readonly session: Uint8Array | undefined;
  readonly refused: string;
}

class Resuming implements Transport {
  readonly #opens: Open;
  readonly #events: TransportEvents;
  readonly #options: ResumeOptions;
  /** The session; nothing before the server has offered one, and if it does not. */
  #session: Session | undefined;
  #inner: Transport;
  /** Own preface and hello, as they were first sent. */
  #greeting: Uint8Array = NOTHING;
  /** What has come of the other side's preface and hello; nothing once they are here. */
  #greeted: Uint8Array | undefined = NOTHING;
  /** What was sent behind the own hello before the other one came. */
  #early: Uint8Array[] = [];
  /** Bytes of the frame that comes which are passed on as they come. */
  #left = 0;
  /** The beginning of a frame that is looked at as a whole. */
  #held: Uint8Array = NOTHING;
  #total = 0;
  #cut = false;
  #over = false;
  /** Whether the transport, or the journal, has said that it takes no more. */
  #blocked = false;
  #told = true;
  /** Whether either side has said that it ends: all that comes is acknowledged at once. */
  #ending = false;
  /** Whether nothing follows over another transport: a side has left, or has said why it closes. */
  #last = false;
  #leaving: Timer | undefined;
  #quiet: Timer | undefined;
  #heard = 0;
  #resumed = 0;
  /** Transports that have ended or were given up: whatever they tell comes too late. */
  readonly #gone = new WeakSet<Transport>();
  /** Gives up the attempt that is under way, if one is. */
  #giveUpAttempt: () => void = () => undefined;

  constructor(opens: Open, events: TransportEvents, options: ResumeOptions) {
    this.#opens = opens;
    this.#events = events;
    this.#options = options;
    this.#inner = this.#open({
      opened: () => {
        events.opened();
      },
      received: (bytes) => {
        this.#receive(bytes);
      },
    });
  }

  get received(): number {
    return this.#total;
  }

  get sent(): number {
    return this.#inner.sent;
  }

  get waiting(): number {
    return this.#cut ? 0 : this.#inner.waiting;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  send(bytes: Uint8Array): boolean {
    let whole = bytes;
    if (this.#greeting.length === 0) {
      const [greeting, rest] = withFeature(bytes);
      this.#greeting = greeting;
      this.#keep(rest);
      whole = concat([greeting, rest]);
    } else {
      this.#keep(bytes);
    }
    if (!this.#cut) {
      this.#blocked = !this.#inner.send(whole);
    }
    this.#told = !this.#blocked && !this.#cut && this.#session?.isFull !== true;
    return this.#told;
  }

  /** The line is taken for dead: whether the connection goes on over another. */
  giveUp(why: string): boolean {
    if (this.#session === undefined || this.#last || this.#over) {
      return false;
    }
    if (!this.#cut) {
      this.#drop(this.#inner);
      this.#lose(why);
    }
    return true;
  }

  close(): void {
    if (this.#session === undefined || this.#last) {
      this.#finish();
    } else {
      const give = (): void => {
        this.#finish();
      };
      this.#leaving = setTimeout(give, LEAVING);
      unref(this.#leaving);
      this.#leave();
    }
  }

  abandon(): void {
    if (this.#session !== undefined && !this.#last && !this.#cut) {
      this.#inner.send(extension(LEAVE));
    }
    this.#stop();
    this.#inner.abandon();
  }

  /** Opens a transport whose end is a cut, unless it is that of the connection. */
  #open(own: Pick<TransportEvents, "opened" | "received">, failed?: (why: string) => void): Transport {
    const end = (why: string | undefined, cause?: unknown): void => {
      if (this.#gone.has(inner)) {
        return;
      }
      this.#gone.add(inner);
      if (failed !== undefined && this.#inner !== inner) {
        failed(why ?? "the server closed the connection");
      } else if (this.#inner === inner && !this.#cut) {
        this.#ended(why, cause);
      }
    };
    const inner = this.#opens({
      opened: own.opened,
      received: (bytes) => {
        // What a line brings that is given up comes once more over the next.
        if (!this.#gone.has(inner)) {
          own.received(bytes);
        }
      },
      drained: () => {
        if (this.#inner === inner) {
          this.#blocked = false;
          this.#tell();
        }
      },
      finished: () => {
        const isOwn = this.#inner === inner && !this.#gone.has(inner);
        if (isOwn && (this.#session === undefined || this.#last)) {
          this.#events.finished();
        } else {
          inner.abandon();
          end(undefined);
        }
      },
      closed: end,
    });
    return inner;
  }

  /** Wants nothing more of a transport. */
  #drop(inner: Transport): void {
    this.#gone.add(inner);
    inner.abandon();
  }

  /** The transport has ended. */
  #ended(why: string | undefined, cause: unknown): void {
    if (this.#over) {
      return;
    }
    if (this.#session === undefined || this.#last) {
      this.#stop();
      this.#events.closed(why, cause);
    } else {
      this.#lose(why ?? "the server closed the connection");
    }
  }

  /** Takes what has come over the first transport, or over one that goes on. */
  #receive(bytes: Uint8Array): void {
    this.#total += bytes.length;
    if (this.#greeted === undefined) {
      this.#take(bytes);
      return;
    }
    this.#greeted = concat([this.#greeted, bytes]);
    const answer = answerOf(this.#greeted);
    if (answer === undefined) {
      return;
    }
    const [whole, early] = [this.#greeted, this.#early];
    this.#greeted = undefined;
    this.#early = [];
    if (typeof answer === "object" && answer.session !== undefined) {
      const { journal = JOURNAL } = this.#options;
      this.#session = new Session(answer.session, Math.max(journal, LEAST_JOURNAL));
      for (const sent of early) {
        this.#session.keep(sent);
      }
      this.#events.received(whole.subarray(0, answer.length));
      this.#take(whole.subarray(answer.length));
    } else {
      this.#events.received(whole);
    }
  }

  /** Takes what counts: passes it on, but for what is about the session. */
  #take(bytes: Uint8Array): void {
    const session = this.#session;
    if (session === undefined) {
      this.#events.received(bytes);
      return;
    }
    session.received += bytes.length;
    this.#heard = Date.now();
    try {
      this.#split(session, bytes);
    } catch (error) {
      this.#fault(error);
      return;
    }
    this.#acknowledge(session);
    this.#tell();
    this.#leave();
  }

  #fault(error: unknown): void {
    const why = error instanceof ProtocolError ? error.message : String(error);
    this.#stop();
    this.#inner.abandon();
    this.#events.closed(why, error);
  }

  #split(session: Session, chunk: Uint8Array): void {
    const bytes = concat([this.#held, chunk].filter(({ length }) => length > 0));
    let at = Math.min(this.#left, bytes.length);
    let from = 0;
    this.#left -= at;
    this.#held = NOTHING;
    const pass = (to: number): void => {
      if (to > from) {
        this.#events.received(bytes.subarray(from, to));
      }
    };
    while (at < bytes.length) {
      const head = headOf(bytes, at);
      const end = head === undefined ? Number.POSITIVE_INFINITY : at + HEAD + head.length;
      // Longer ones are none that anybody may send: whoever reads frames says so.
      const looked =
        (head?.kind === Kind.extension || head?.kind === Kind.goaway) && head.length <= MOST_LOOKED_AT;
      if (head === undefined || (looked && end > bytes.length)) {
        pass(at);
        this.#held = bytes.slice(at);
        return;
      }
      if (looked && this.#look(session, head.kind, head.id, bytes.subarray(at + HEAD, end))) {
        pass(at);
        from = end;
      }
      at = Math.min(end, bytes.length);
      this.#left = end - at;
    }
    pass(at);
  }

  /** Looks at a frame; whether it is about the session, and goes no further. */
  #look(session: Session, kind: number, id: number, payload: Uint8Array): boolean {
    if (kind === Kind.goaway) {
      this.#ending = true;
      this.#last ||= decodeGoaway(payload)[0] !== 0;
      return false;
    }
    const subtype = payload.length < 2 || id !== 0 ? 0 : view(payload).getUint16(0, true);
    if (subtype === LEAVE) {
      this.#last = true;
    } else if (subtype === ACKNOWLEDGEMENT) {
      session.acknowledged(payload);
    }
    return subtype === LEAVE || subtype === ACKNOWLEDGEMENT;
  }

  /** Keeps what is sent. */
  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) {
      return;
    }
    if (this.#greeted !== undefined) {
      this.#early.push(bytes);
    } else if (this.#session !== undefined) {
      this.#session.keep(bytes);
    }
    for (let at = 0; at < bytes.length; ) {
      const head = headOf(bytes, at);
      const end = at + HEAD + (head?.length ?? bytes.length);
      if (head?.kind === Kind.goaway) {
        this.#ending = true;
        this.#last ||= bytes[at + HEAD] !== 0;
      }
      at = end;
    }
  }

  /** Tells the server what has come, at once if it is much and soon if it is anything. */
  #acknowledge(session: Session): void {
    if (this.#cut || this.#over || this.#last) {
      return;
    }
    if (session.owesMuch || (this.#ending && session.owes)) {
      const frame = session.acknowledgement();
      this.#blocked = !this.#inner.send(frame);
    } else if (session.owes && this.#quiet === undefined) {
      this.#wait(session, QUIET);
    }
  }

  #wait(session: Session, delay: number): void {
    const look = (): void => {
      this.#quiet = undefined;
      const left = this.#heard + QUIET - Date.now();
      if (this.#cut || this.#over || !session.owes) {
        return;
      }
      if (left > 0) {
        this.#wait(session, left);
      } else {
        this.#blocked = !this.#inner.send(session.acknowledgement());
      }
    };
    this.#quiet = setTimeout(look, delay);
    unref(this.#quiet);
  }

  /** Says that more may be given, if it was said that no more may. */
  #tell(): void {
    if (!this.#told && !this.#blocked && !this.#cut && !this.#over && this.#session?.isFull !== true) {
      this.#told = true;
      this.#events.drained();
    }
  }

  /** Leaves, once all has arrived. */
  #leave(): void {
    if (this.#leaving !== undefined && this.#session?.isAcknowledged === true && !this.#cut) {
      this.#inner.send(extension(LEAVE));
      this.#finish();
    }
  }

  #finish(): void {
    this.#stop();
    this.#inner.close();
  }

  #stop(): void {
    this.#over = true;
    clearTimeout(this.#leaving);
    clearTimeout(this.#quiet);
    this.#giveUpAttempt();
  }

  /** The transport is cut. */
  #lose(why: string): void {
    this.#cut = true;
    this.#told = false;
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    void this.#bring(why);
  }

  /** Opens another transport, for as long as the window says. */
  async #bring(why: string): Promise<void> {
    const { window = WINDOW, firstDelay = FIRST_DELAY } = this.#options;
    const end = Date.now() + window;
    // Connections that last for a moment do not follow each other faster than others.
    let [pause, delay] = [this.#resumed + firstDelay - Date.now(), firstDelay];
    for (;;) {
      await sleep(Math.min(pause, end - Date.now()));
      if (this.#over) {
        return;
      }
      if (Date.now() >= end) {
        this.#fail(`${why}; no other came in ${String(window)} ms`);
        return;
      }
      const refused = await this.#attempt();
      if (refused !== "again") {
        if (refused !== undefined) {
          this.#fail(refused);
        }
        return;
      }
      pause = delay * (1 + JITTER * (2 * Math.random() - 1));
      delay = Math.min(delay * GROWTH, LONGEST_DELAY);
    }
  }

  /** The connection does not go on. */
  #fail(why: string): void {
    if (!this.#over) {
      this.#stop();
      this.#events.closed(`not resumed: ${why}`);
    }
  }

  /** Tries to go on over another transport: nothing if it does, `again`, or why not. */
  async #attempt(): Promise<string | undefined> {
    const session = this.#session;
    if (session === undefined) {
      return "there is no session";
    }
    const place = session.received;
    const hello = withSession(this.#greeting, await session.entry(0, place));
    if (this.#over) {
      return "again";
    }
    return new Promise((resolve) => {
      let come: Uint8Array = NOTHING;
      let [asked, settled, lost] = [false, false, false];
      const settle = (outcome: string | undefined): void => {
        if (settled) {
          return;
        }
        settled = true;
        clearTimeout(timer);
        resolve(outcome);
        if (outcome !== undefined) {
          this.#drop(inner);
        }
      };
      this.#giveUpAttempt = (): void => {
        settle("again");
      };
      const timer = setTimeout(this.#giveUpAttempt, HANDSHAKE);
      const judge = (answer: Answer | undefined): void => {
        void session.judge(answer?.session, place).then((theirs) => {
          // It may be too late when its answer is judged.
          if (settled || this.#over) {
            settle("again");
          } else if (theirs === undefined || answer === undefined) {
            settle(answer?.refused || "the server does not know it");
          } else if (!session.goOn(theirs)) {
            settle("this side has not kept what the server lacks");
          } else if (lost) {
            // It was cut while its answer was judged. What had come counts, or a line that is cut often would never get on.
            const rest = come.subarray(answer.length);
            this.#total += rest.length;
            this.#take(rest);
            settle("again");
          } else {
            settle(undefined);
            this.#goOn(session, inner, come.subarray(answer.length));
          }
        });
      };
      const inner = this.#open(
        {
          opened: () => {
            inner.send(hello);
          },
          received: (bytes) => {
            if (this.#inner === inner) {
              this.#receive(bytes);
              return;
            }
            come = concat([come, bytes]);
            const answer = asked ? undefined : answerOf(come);
            if (answer !== undefined) {
              asked = true;
              judge(answer === "none" ? undefined : answer);
            }
          },
        },
        () => {
          lost = true;
          if (!asked) {
            settle("again");
          }
        },
      );
    });
  }

  /** Goes on over a transport on which something has come already. */
  #goOn(session: Session, inner: Transport, come: Uint8Array): void {
    this.#inner = inner;
    this.#cut = false;
    this.#resumed = Date.now();
    this.#blocked = false;
    // In pieces: over a WebSocket each arrives as a whole or not at all, and what is cut often is to come on nevertheless.
    const rest = session.rest();
    for (let at = 0; at < rest.length; at += PIECE) {
      this.#blocked = !inner.send(rest.subarray(at, at + PIECE));
    }
    this.#total += come.length;
    this.#take(come);
    this.#tell();
    this.#leave();
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    if (milliseconds <= 0) {
      resolve();
    } else {
      setTimeout(resolve, milliseconds);
    }
  });
}

/** The head that begins there, if it is whole. */
function headOf(bytes: Uint8Array, at: number): { kind: number; id: number; length: number } | undefined {
  if (bytes.length < at + HEAD) {
    return undefined;
  }
  const words = view(bytes);
  const word = words.getUint32(at, true);
  return { kind: (word >>> 24) & 0xf, id: words.getUint32(at + 4, true), length: word & 0xff_ffff };
}

/** An extension frame about the connection. */
export function extension(subtype: number, content: Uint8Array = NOTHING): Uint8Array {
  return encodeFrame(Kind.extension, 0, 0, concat([Uint8Array.of(subtype, 0), content]));
}

/** An entry of a hello. */
function entry(tag: number, content: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(tag, content.length, 0), content]);
}

/** The preface and hello at the beginning of these bytes with the feature of sessions added, and what follows them. */
function withFeature(bytes: Uint8Array): [greeting: Uint8Array, rest: Uint8Array] {
  const end = PREFACE.length + HEAD + (headOf(bytes, PREFACE.length)?.length ?? 0);
  const hello = bytes.subarray(PREFACE.length + HEAD, end);
  const content = concat([hello, entry(FEATURES, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0))]);
  return [concat([PREFACE, encodeFrame(Kind.hello, 0, 0, content)]), bytes.subarray(end)];
}

/** A greeting that names the session. */
function withSession(greeting: Uint8Array, session: Uint8Array): Uint8Array {
  const hello = greeting.subarray(PREFACE.length + HEAD);
  return concat([PREFACE, encodeFrame(Kind.hello, 0, 0, concat([hello, entry(SESSION, session)]))]);
}

/** What the hello at the beginning of these bytes says of the session, if it is whole; `none` if there is no hello. */
function answerOf(bytes: Uint8Array): Answer | "none" | undefined {
  const known = Math.min(bytes.length, 4);
  if (!PREFACE.subarray(0, known).every((byte, index) => bytes[index] === byte)) {
    return "none";
  }
  const head = headOf(bytes, PREFACE.length);
  if (head === undefined) {
    return undefined;
  }
  if (head.kind !== Kind.hello) {
    return "none";
  }
  const length = PREFACE.length + HEAD + head.length;
  if (bytes.length < length) {
    return undefined;
  }
  let [able, session, refused] = [false, undefined as Uint8Array | undefined, ""];
  try {
    for (const [tag, value] of entries(bytes.subarray(PREFACE.length + HEAD, length))) {
      if (tag === FEATURES) {
        able = ((value[0] ?? 0) & 1) !== 0;
      } else if (tag === SESSION && value.length === 56) {
        session = value.slice();
      } else if (tag === REFUSED) {
        refused = new TextDecoder().decode(value);
      }
    }
  } catch {
    // Whoever reads the hello says what is wrong with it.
    return "none";
  }
  return { length, session: able ? session : undefined, refused };
}
