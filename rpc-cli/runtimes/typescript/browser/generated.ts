// What the modules that a port serves stand on, beside the run-time: classes of callers and handlers made of lists of
// methods. Each kind of method is a function of its own, so that a module has those alone that it needs.

import { answer, answerDuplex, answerStream, answerUpload, service } from "../src/answers.js";
import type { Caller } from "../src/connection.js";
import type { Answer, CallOptions, Items, Method, ServiceHandler } from "../src/method.js";

/** Makes a call with what was given behind the arguments. */
type Kind = (caller: Caller, method: Method, args: never, more: readonly unknown[]) => unknown;

/** A method as callers have it: its name, how many arguments it takes, its kind. */
export type Called = readonly [name: string, count: number, kind: Kind, method: Method];

/** The class of callers. */
type ClientClass = new (caller?: Caller) => Record<string, (...given: never[]) => unknown>;

/** Methods may have any name. */
const CALLER = Symbol("caller");

export const unary: Kind = (caller, method, args, [options]) => caller.call(method, args, options as CallOptions);
export const oneway: Kind = (caller, method, args, [options]) => caller.notify(method, args, options as CallOptions);
export const stream: Kind = (caller, method, args, [options]) => caller.stream(method, args, options as CallOptions);
export const upload: Kind = (caller, method, args, [items, options]) =>
  caller.upload(method, args, items as Items<never>, options as CallOptions);
export const duplex: Kind = (caller, method, args, [items, options]) =>
  caller.duplex(method, args, items as Items<never>, options as CallOptions);

/** The class of callers with these methods. Without a caller they stand on what `shared` gives. */
export function client(shared: () => Caller, methods: readonly Called[]): ClientClass {
  class Client {
    readonly [CALLER]: Caller;

    constructor(caller?: Caller) {
      this[CALLER] = caller ?? shared();
    }
  }
  for (const [name, count, kind, method] of methods) {
    const value = function (this: Client, ...given: unknown[]): unknown {
      const args = Array.from({ length: count }, (_, index) => given[index]);
      return kind(this[CALLER], method, args as never, given.slice(count));
    };
    Object.defineProperty(Client.prototype, name, { value });
  }
  return Client as unknown as ClientClass;
}

/** Answers calls of one kind. */
type Answering = (method: Method, run: never) => Answer;

/** A method as those have it who answer its calls. */
export type Answered = readonly [name: string, answering: Answering, method: Method];

export { answer, answerDuplex, answerStream, answerUpload };

/** Makes of an object with a function for each method what a connection registers. */
export function handler(
  name: string,
  methods: readonly Answered[],
): (handler: Record<string, ((...given: unknown[]) => never) | undefined>) => ServiceHandler {
  return (handler) => {
    const answers = methods.map(([own, answering, method]) => {
      const run = (args: readonly unknown[], ...behind: unknown[]): never => {
        const found = handler[own];
        if (found === undefined) {
          throw new TypeError(`there is no ${own}`);
        }
        return found.apply(handler, [...args, ...behind]);
      };
      return answering(method, run as never);
    });
    return service(name, answers);
  };
}

/** How calls of a method travel; the key is sixteen hexadecimal digits. */
export function method(
  path: string,
  key: string,
  args: Method["arguments"],
  returns: Method["returns"],
  upload: Method["upload"],
  fails?: Method["fails"],
): Method {
  return { path, key: BigInt(`0x${key}`), arguments: args, returns, upload, fails };
}
