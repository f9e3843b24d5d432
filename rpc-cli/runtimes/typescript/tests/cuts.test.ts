// Connections that are cut at every byte of a session, in the handshakes of later lines as well, and go on: against another
// side that keeps what it has sent, and tells late of lines that are gone.

import { deepEqual, equal, ok } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { concat, encodeFrame, Kind, PREFACE, view } from "../src/frames.js";
import { acknowledgement, Ground, type Line, vector } from "./ground.js";
import { hex } from "./vectors.js";

const ID = new Uint8Array(16).fill(7);
const SECRET = new Uint8Array(32).fill(9);
const HEAD = 8;
/** Bytes of an acknowledgement, and where its subtype is. */
const ACKNOWLEDGEMENT = 18;

/** How this side learns that a line is cut. */
const NOTICES = ["closed", "finished", "closed twice", "given up"] as const;
type Notice = (typeof NOTICES)[number];

function proof(side: number, ...counts: number[]): Uint8Array {
  const hmac = createHmac("sha256", SECRET).update(Uint8Array.of(side)).update(ID);
  for (const count of counts) {
    hmac.update(eight(count));
  }
  return new Uint8Array(hmac.digest());
}

function eight(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  view(bytes).setBigUint64(0, BigInt(count), true);
  return bytes;
}

/** Frames of several lengths, of which no two are alike. */
class Frames {
  #next = 0;
  all = new Uint8Array(0);

  make(): Uint8Array {
    const made = [8, 32, 300].map((length) => {
      this.#next += 1;
      const payload = Uint8Array.from({ length }, (_, index) => this.#next * 31 + index);
      return length === 8 ? encodeFrame(Kind.ping, 0, 0, payload) : encodeFrame(Kind.item, 0, 1, payload);
    });
    // An extension that is none of the session's goes further as well.
    made.push(encodeFrame(Kind.extension, 0, 0, Uint8Array.of(99, 0, this.#next)));
    this.all = new Uint8Array(concat([this.all, ...made]));
    return concat(made);
  }
}

/** What was sent but for acknowledgements. */
function withoutAcknowledgements(bytes: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [new Uint8Array(0)];
  for (let at = 0; at < bytes.length; ) {
    const end = at + HEAD + (view(bytes).getUint32(at, true) & 0xff_ffff);
    const acknowledges = bytes[at + 3] === Kind.extension && end - at === ACKNOWLEDGEMENT && bytes[at + HEAD] === 1;
    ok(end <= bytes.length, "a frame that is not whole");
    if (!acknowledges) {
      kept.push(bytes.slice(at, end));
    }
    at = end;
  }
  return new Uint8Array(concat(kept));
}

/** The other side, and a cable to it. */
class Cable {
  readonly ground = new Ground();
  readonly #ours = new Frames();
  readonly #theirs = new Frames();
  /** What the other side has sent and received behind the hellos. */
  #sent = new Uint8Array(0);
  #got = new Uint8Array(0);
  #line: Line;
  /** Bytes of the line that have been carried there. */
  #there: number;
  /** What the other side has read of a hello; nothing once it is here. */
  #asked: Uint8Array | undefined;
  /** What is to be carried back. */
  #back = new Uint8Array(0);
  /** Bytes of both directions that the line still carries. */
  #left = Number.POSITIVE_INFINITY;
  readonly #gone: Line[] = [];

  constructor() {
    this.#there = this.ground.begin().length;
    this.#line = this.ground.line;
  }

  /** Both sides send, the other one also how much has arrived. */
  send(): void {
    this.ground.transport.send(this.#ours.make());
    const frames = concat([this.#theirs.make(), acknowledgement(this.#got.length), this.#theirs.make()]);
    this.#sent = new Uint8Array(concat([this.#sent, frames]));
    if (this.#asked === undefined) {
      this.#back = new Uint8Array(concat([this.#back, frames]));
    }
  }

  /** Has the line carry so many bytes, and cuts it then. */
  async carryAndCut(left: number, chunk: number, notice: Notice): Promise<void> {
    this.#left = left;
    this.#carry(chunk);
    if (this.#left > 0) {
      await this.ground.resumed();
      this.#carry(chunk);
    }
    this.#notice(notice);
    this.#gone.push(this.#line);
    await this.ground.next();
    this.#line = this.ground.line;
    [this.#there, this.#asked, this.#back] = [0, new Uint8Array(0), new Uint8Array(0)];
    // What the former lines tell late is of no meaning.
    for (const former of this.#gone) {
      former.events.received(concat([PREFACE, vector("hello_resumed"), this.#sent]));
      former.events.drained();
      former.events.finished();
      former.events.closed("late");
    }
  }

  /** Has the line carry whatever there is, and sees that all is here and there. */
  async settle(chunk: number): Promise<void> {
    this.#left = Number.POSITIVE_INFINITY;
    this.#carry(chunk);
    await this.ground.resumed();
    this.#carry(chunk);
    equal(this.ground.closed, undefined);
    ok(hex(this.ground.came) === hex(withoutAcknowledgements(this.#sent)), "what came is not what was sent");
    ok(hex(withoutAcknowledgements(this.#got)) === hex(this.#ours.all), "what arrived is not what was sent");
  }

  #notice(notice: Notice): void {
    const { events } = this.#line;
    const isOwn = this.ground.transport.isCut !== true;
    if (notice === "given up" && isOwn) {
      equal(this.ground.transport.giveUp?.("silent"), true);
      // What was under way still comes, and will come once more.
      events.received(this.#sent.slice(-40));
    } else if (notice === "finished") {
      events.finished();
    } else {
      events.closed("reset");
    }
    if (notice === "closed twice") {
      events.closed();
    }
  }

  #carry(chunk: number): void {
    for (let moved = true; moved; ) {
      const there = this.#take(this.#line.given.subarray(this.#there), chunk);
      this.#there += there.length;
      this.#receive(there);
      const back = this.#take(this.#back, chunk);
      this.#back = this.#back.slice(back.length);
      if (back.length > 0) {
        this.#line.events.received(back);
      }
      moved = there.length + back.length > 0;
    }
  }

  /** As much of it as the line carries at once. */
  #take(bytes: Uint8Array, chunk: number): Uint8Array {
    const taken = bytes.slice(0, Math.min(chunk, this.#left));
    this.#left -= taken.length;
    return taken;
  }

  /** The other side receives. */
  #receive(bytes: Uint8Array): void {
    if (this.#asked === undefined) {
      this.#got = new Uint8Array(concat([this.#got, bytes]));
      return;
    }
    const asked = concat([this.#asked, bytes]);
    const length = asked.length < 16 ? Number.POSITIVE_INFINITY : 16 + (view(asked).getUint32(8, true) & 0xff_ffff);
    if (asked.length < length) {
      this.#asked = asked;
      return;
    }
    equal(asked.length, length, "nothing is sent behind a hello before its answer");
    const entry = asked.slice(-56);
    const place = Number(view(entry).getBigUint64(48, true));
    deepEqual(entry, new Uint8Array(concat([ID, proof(0, place), eight(place)])));
    ok(place <= this.#sent.length);
    this.#asked = undefined;
    const own = this.#got.length;
    const answer = [vector("hello_resumed").slice(0, -56), ID, proof(1, own, place), eight(own)];
    this.#back = new Uint8Array(concat([PREFACE, ...answer, this.#sent.slice(place)]));
  }
}

/** Two lines are cut, and the third goes on. */
async function survives(first: number, second: number, notice: Notice, chunk: number): Promise<void> {
  const cable = new Cable();
  cable.send();
  await cable.carryAndCut(first, chunk, notice);
  cable.send();
  await cable.carryAndCut(second, chunk, notice);
  cable.send();
  await cable.settle(chunk);
}

/** Sessions that are under way at once: with all of them the loop is so busy that attempts run into their 5 seconds. */
const AT_ONCE = 16;

for (const notice of NOTICES) {
  void test(`a cut at every byte, of a later handshake as well, is made good: ${notice}`, async () => {
    let at = 0;
    const worker = async (): Promise<void> => {
      while (at < 1700) {
        const place = at;
        at += 1;
        await survives((place * 7) % 1000, place, notice, 1 + (place % 97));
        await survives(place, (place * 11) % 600, notice, 4096);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });
}
