// What lets a connection go on: the secret that proves it, the bytes that may have to be sent again, and how many have come.
// PROTOCOL §25.

import { ProtocolError } from "./errors.js";
import { concat, encodeFrame, Kind, view } from "./frames.js";

/** Bytes that are received before the other side is told. */
const UNTOLD = 64 << 10;
/** Bytes of an acknowledgement, its head included. */
const ACKNOWLEDGEMENT = 18;
const [ID, PROOF, ENTRY] = [16, 32, 56];

/** What is used of the cryptography of the Web. */
interface Subtle {
  importKey(format: "raw", key: Uint8Array, kind: object, secret: boolean, uses: string[]): Promise<object>;
  sign(kind: "HMAC", key: object, bytes: Uint8Array): Promise<ArrayBuffer>;
  verify(kind: "HMAC", key: object, proof: Uint8Array, bytes: Uint8Array): Promise<boolean>;
}

/** The dialer's side of a session. */
export class Session {
  /** Bytes that have come behind the hello. */
  received = 0;
  readonly #id: Uint8Array;
  readonly #key: Promise<object>;
  readonly #most: number;
  /** Of what came, as much as the other side was told of. */
  #told = 0;
  /** Of what it was not told of, so many bytes only acknowledge. */
  #acknowledgements = 0;
  /** What was sent and is not known to have arrived. */
  #kept: Uint8Array[] = [];
  #start = 0;
  #end = 0;
  /** Where the last bytes begin that only acknowledge, and where they end. */
  #trailing: [from: number, to: number] = [0, 0];

  /** Of what the acceptor has offered: an id and a secret. `most` bytes are kept. */
  constructor(offer: Uint8Array, most: number) {
    this.#id = offer.slice(0, ID);
    this.#most = most;
    const kind = { name: "HMAC", hash: "SHA-256" };
    this.#key = subtle().importKey("raw", offer.slice(ID, ID + PROOF), kind, false, ["sign", "verify"]);
  }

  /** Whether as much is kept as may be. */
  get isFull(): boolean {
    return this.#end - this.#start >= this.#most;
  }

  /** Whether all that was sent has arrived, but for what only acknowledges. */
  get isAcknowledged(): boolean {
    const [from, to] = this.#trailing;
    return this.#start === this.#end || (to === this.#end && this.#start >= from);
  }

  /** Whether bytes have come of which the other side should hear some time. */
  get owes(): boolean {
    return this.received > this.#told + this.#acknowledgements;
  }

  /** Whether it must hear of them now. */
  get owesMuch(): boolean {
    return this.received - this.#told >= UNTOLD;
  }

  /** Keeps what is sent. */
  keep(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      this.#kept.push(bytes);
      this.#end += bytes.length;
    }
  }

  /** The frame that says what has come; it is kept. */
  acknowledgement(): Uint8Array {
    const payload = new Uint8Array(10);
    payload[0] = 1;
    view(payload).setBigUint64(2, BigInt(this.received), true);
    const frame = encodeFrame(Kind.extension, 0, 0, payload);
    const from = this.#end;
    this.keep(frame);
    this.#trailing = [this.#trailing[1] === from ? this.#trailing[0] : from, this.#end];
    this.#told = this.received;
    this.#acknowledgements = 0;
    return frame;
  }

  /** The other side says what has arrived. */
  acknowledged(payload: Uint8Array): void {
    if (payload.length !== 10) {
      throw new ProtocolError("an acknowledgement of another length than its own");
    }
    this.#acknowledgements += ACKNOWLEDGEMENT;
    const place = Number(view(payload).getBigUint64(2, true));
    if (place > this.#end) {
      throw new ProtocolError("an acknowledgement of more than was sent");
    }
    this.#forget(place);
  }

  /** What a hello says: the id, a proof, and how many bytes have come. */
  async entry(side: 0 | 1, received: number): Promise<Uint8Array> {
    const proof = await subtle().sign("HMAC", await this.#key, this.#proven(side, received));
    return concat([this.#id, new Uint8Array(proof), count(received)]);
  }

  /** How many bytes the acceptor has, by its answer to a dialer that has so many; nothing if it does not prove to be it. */
  async judge(answer: Uint8Array | undefined, received: number): Promise<number | undefined> {
    if (answer?.length !== ENTRY || !this.#id.every((byte, index) => answer[index] === byte)) {
      return undefined;
    }
    const theirs = Number(view(answer).getBigUint64(ID + PROOF, true));
    const proven = this.#proven(1, theirs, received);
    const proof = answer.slice(ID, ID + PROOF);
    return (await subtle().verify("HMAC", await this.#key, proof, proven)) ? theirs : undefined;
  }

  /** Goes on where the other side has received so many bytes; false if what it lacks is not kept. */
  goOn(place: number): boolean {
    if (place < this.#start || place > this.#end) {
      return false;
    }
    this.#forget(place);
    // It was told by the hello.
    this.#told = this.received;
    this.#acknowledgements = 0;
    return true;
  }

  /** All that is to be sent again. */
  rest(): Uint8Array {
    return concat(this.#kept);
  }

  #forget(place: number): void {
    while (this.#start < place) {
      const first = this.#kept.shift();
      if (first === undefined) {
        return;
      }
      const gone = Math.min(first.length, place - this.#start);
      this.#start += gone;
      if (gone < first.length) {
        this.#kept.unshift(first.subarray(gone));
      }
    }
  }

  #proven(side: 0 | 1, ...counts: number[]): Uint8Array {
    return concat([Uint8Array.of(side), this.#id, ...counts.map(count)]);
  }
}

function subtle(): Subtle {
  return (globalThis as unknown as { crypto: { subtle: Subtle } }).crypto.subtle;
}

function count(bytes: number): Uint8Array {
  const eight = new Uint8Array(8);
  view(eight).setBigUint64(0, BigInt(bytes), true);
  return eight;
}
