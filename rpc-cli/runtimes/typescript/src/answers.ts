// From the functions of a program to answers of the other side's calls.

import { type AnyCodec, type Codec, decode, encode, type In, type Out } from "./codecs.js";
import { DecodeError, StatusError } from "./errors.js";
import type { Answer, CallContext, Items, Method, Send, ServiceHandler } from "./method.js";

type MaybePromise<T> = T | Promise<T>;

/** Answers of a service; generated code makes them. */
export function service(name: string, answers: readonly Answer[]): ServiceHandler {
  return { service: name, answers };
}

/** One request, one reply. */
export function answer<A extends AnyCodec, R extends AnyCodec>(
  method: Method<A, R>,
  run: (args: Out<A>, context: CallContext) => MaybePromise<In<R>>,
): Answer {
  return {
    method,
    sends: false,
    expects: false,
    run: async (payload, _upload, _send, context) =>
      write(method.returns, await run(read(method.arguments, payload), context)),
  };
}

/** One request, items in reply. */
export function answerStream<A extends AnyCodec, R extends AnyCodec>(
  method: Method<A, R>,
  run: (args: Out<A>, context: CallContext) => Items<In<R>>,
): Answer {
  return {
    method,
    sends: false,
    expects: true,
    run: (payload, _upload, send, context) =>
      sendAll(method.returns, run(read(method.arguments, payload), context), send),
  };
}

/** Items beside the request, one reply. */
export function answerUpload<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
  method: Method<A, R, U>,
  run: (
    args: Out<A>,
    items: AsyncIterableIterator<Out<U>>,
    context: CallContext,
  ) => MaybePromise<In<R>>,
): Answer {
  return {
    method,
    sends: true,
    expects: false,
    run: async (payload, upload, _send, context) => {
      const args = read(method.arguments, payload);
      const value = await run(args, readAll(method.upload, upload()), context);
      return write(method.returns, value);
    },
  };
}

/** Items each way. */
export function answerDuplex<A extends AnyCodec, R extends AnyCodec, U extends AnyCodec>(
  method: Method<A, R, U>,
  run: (
    args: Out<A>,
    items: AsyncIterableIterator<Out<U>>,
    context: CallContext,
  ) => Items<In<R>>,
): Answer {
  return {
    method,
    sends: true,
    expects: true,
    run: (payload, upload, send, context) => {
      const args = read(method.arguments, payload);
      return sendAll(method.returns, run(args, readAll(method.upload, upload()), context), send);
    },
  };
}

async function sendAll<R extends AnyCodec>(
  codec: R,
  items: Items<In<R>>,
  send: Send,
): Promise<Uint8Array> {
  for await (const item of items) {
    if (!(await send(write(codec, item)))) {
      break;
    }
  }
  return new Uint8Array(0);
}

async function* readAll<U extends AnyCodec>(
  codec: U,
  items: AsyncIterable<Uint8Array>,
): AsyncGenerator<Out<U>, void, undefined> {
  for await (const item of items) {
    yield read(codec, item, true);
  }
}

function write<C extends AnyCodec>(codec: C, value: In<C>): Uint8Array {
  return encode(codec as unknown as Codec<unknown, In<C>>, value);
}

function read<C extends AnyCodec>(codec: C, bytes: Uint8Array, started = false): Out<C> {
  try {
    return decode(codec, bytes) as Out<C>;
  } catch (error) {
    if (error instanceof DecodeError) {
      throw new StatusError("INVALID_ARGUMENT", error.message, started, { cause: error });
    }
    throw error;
  }
}
