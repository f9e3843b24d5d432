// Calls while they run: what is sent, what comes, how they end. Shows nothing.

import { AppError, StatusError } from "/explorer/rpc.js";

/** Items that are given one by one: the call takes them as fast as the server has room. */
export class Upload {
  #items = [];
  #wake;
  #over = false;
  taken = 0;

  get waiting() {
    return this.#items.length;
  }

  push(item) {
    this.#items.push(item);
    this.#wake?.();
  }

  end() {
    this.#over = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#items.length > 0) {
        this.taken += 1;
        yield this.#items.shift();
      }
      if (this.#over) return;
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Lets a reader of a stream wait: what is not read is held back at the server by its credit. */
export class Gate {
  #open;
  #opened = Promise.resolve();

  get isShut() {
    return this.#open !== undefined;
  }

  shut() {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open() {
    this.#open?.();
    this.#open = undefined;
  }

  passed() {
    return this.#opened;
  }
}

/** Makes a call and tells of it: `item`, `metadata`, and once `end` with how it went. */
export async function run({ way, kind, method, args, upload, gate, options, told }) {
  const began = performance.now();
  const since = () => performance.now() - began;
  const own = { ...options, onMetadata: (metadata, when) => told.metadata([...metadata], when) };
  const end = (outcome) => told.end({ ...outcome, ms: since() });
  try {
    if (kind === "Oneway") {
      await way.notify(method, args, own);
      end({ ok: true });
    } else if (kind === "Unary" || kind === "ClientStream") {
      const value = await (upload ? way.upload(method, args, upload, own) : way.call(method, args, own));
      end({ ok: true, value });
    } else {
      const stream = upload ? way.duplex(method, args, upload, own) : way.stream(method, args, own);
      let count = 0;
      for await (const item of stream) {
        count += 1;
        told.item(item, count, since());
        if (gate.isShut) await gate.passed();
        // So that a stream which never ends does not keep the page from being drawn.
        if (count % 256 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
      end({ ok: true, count });
    }
  } catch (error) {
    upload?.end();
    end({ ok: false, ...failureOf(error) });
  }
}

function failureOf(error) {
  if (error instanceof AppError) return { app: error.value };
  if (error instanceof StatusError) {
    const { code, message, mayHaveRun, retryAfter, details } = error;
    return { code, message, mayHaveRun, retryAfter, details };
  }
  return { code: error.name, message: error.message, mayHaveRun: false };
}
