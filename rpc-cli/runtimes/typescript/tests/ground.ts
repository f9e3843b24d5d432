// What tests of sessions stand on: a connection over lines that the test makes and cuts.

import { deepEqual, ok } from "node:assert/strict";

import { concat, Kind, PREFACE, view } from "../src/frames.js";
import { DEFAULT_LIMITS, encodeHello } from "../src/hello.js";
import { extension, resume, type ResumeOptions } from "../src/resume.js";
import type { Transport, TransportEvents } from "../src/transport.js";
import { read } from "./vectors.js";

const vectors = new Map(read("frames.txt").map(({ name, bytes }) => [name, bytes]));

export function vector(name: string): Uint8Array {
  const bytes = vectors.get(name);
  ok(bytes !== undefined, `there is no vector ${name}`);
  return bytes;
}

/** What a hello says of the session. */
export function entryOf(hello: Uint8Array): Uint8Array {
  return hello.subarray(hello.length - 56);
}

/** A transport whose other end is the test's. */
export class Line implements Transport {
  received = 0;
  waiting = 0;
  isOver = false;
  readonly events: TransportEvents;
  readonly #given: Uint8Array[] = [];

  constructor(events: TransportEvents) {
    this.events = events;
  }

  get sent(): number {
    return this.given.length;
  }

  /** All that was given. */
  get given(): Uint8Array {
    return concat([new Uint8Array(0), ...this.#given]);
  }

  send(bytes: Uint8Array): boolean {
    this.#given.push(bytes);
    return true;
  }

  close(): void {
    this.isOver = true;
  }

  abandon(): void {
    this.isOver = true;
  }
}

/** A connection over lines that the test makes and cuts. */
export class Ground {
  readonly lines: Line[] = [];
  readonly transport: Transport;
  /** What has come. */
  came = new Uint8Array(0);
  drained = 0;
  closed: string | undefined;

  constructor(options: ResumeOptions = {}) {
    const opens = resume({ firstDelay: 1, ...options })((events) => {
      const line = new Line(events);
      this.lines.push(line);
      return line;
    });
    this.transport = opens({
      opened: () => undefined,
      received: (bytes) => {
        this.came = new Uint8Array(concat([this.came, bytes]));
      },
      drained: () => {
        this.drained += 1;
      },
      finished: () => undefined,
      closed: (why) => {
        this.closed = why ?? "";
      },
    });
  }

  get line(): Line {
    const line = this.lines.at(-1);
    ok(line !== undefined);
    return line;
  }

  /** Says hello on both sides. */
  begin(): Uint8Array {
    this.line.events.opened();
    this.transport.send(concat([PREFACE, encodeHello(DEFAULT_LIMITS)]));
    const theirs = concat([PREFACE, vector("hello_session")]);
    // In pieces, as a line may bring it.
    this.line.events.received(theirs.slice(0, 11));
    this.line.events.received(theirs.slice(11));
    deepEqual(this.came, new Uint8Array(theirs));
    this.came = new Uint8Array(0);
    return this.line.given;
  }

  /** Waits until the connection goes on. */
  async resumed(): Promise<void> {
    await until(() => this.transport.isCut === false);
  }

  /** The next line, once its hello has been sent; gives that hello. */
  async next(): Promise<Uint8Array> {
    const before = this.lines.length;
    await until(() => this.lines.length > before);
    this.line.events.opened();
    await until(() => this.line.given.length > 0);
    return this.line.given;
  }
}

export async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 5000 && !holds(); round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  ok(holds(), "it did not come to be");
}

/** So many bytes of pings. */
export function pings(bytes: number): Uint8Array {
  const ping = concat([Uint8Array.of(8, 0, 0, Kind.ping, 0, 0, 0, 0), new Uint8Array(8)]);
  return concat(Array.from({ length: Math.ceil(bytes / 16) }, () => ping)).subarray(0, bytes);
}

/** What acknowledges so many bytes. */
export function acknowledgement(bytes: number): Uint8Array {
  const eight = new Uint8Array(8);
  view(eight).setBigUint64(0, BigInt(bytes), true);
  return extension(1, eight);
}
