// Connections that outlive their transports, through a proxy that cuts them: `node resume.js ADDRESS OTHER` prints a line for
// each case. OTHER is another server of the same.

import { deepStrictEqual, match, ok } from "node:assert/strict";
import { createServer, connect as dial, type Server, type Socket } from "node:net";

import { answersHandler, type AnswersHandler, channel, connect, Exchange, rpc, StatusError } from "./client/index.js";
import { finish, report } from "./report.js";

const [address = "", other = "", scheme = ""] = process.argv.slice(2);

/** Carries connections, and cuts each after some bytes that a seed determines. */
class Cutter {
  cuts = 0;
  /** Where later connections go. */
  server: string;
  readonly #least: number;
  readonly #most: number;
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;
  #seed = 7;

  constructor(server: string, least: number, most: number) {
    this.server = server;
    [this.#least, this.#most] = [least, most];
    this.#listener = createServer((near) => {
      this.#carry(near);
    });
  }

  /** Listens; gives the address. */
  start(): Promise<string> {
    return new Promise((resolve) => {
      this.#listener.listen(0, "127.0.0.1", () => {
        const { port } = this.#listener.address() as { port: number };
        resolve(`${scheme}127.0.0.1:${String(port)}`);
      });
    });
  }

  /** Cuts what there is. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  stop(): void {
    this.#listener.close();
    this.cut();
  }

  #below(limit: number): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#seed % limit;
  }

  #carry(near: Socket): void {
    const [host = "", port = ""] = this.server.split(":");
    const far = dial(Number(port), host);
    // Before the first has been agreed to be a session there is nothing to go on with.
    let left = (this.cuts === 0 ? 2000 : this.#least) + this.#below(this.#most);
    const pass = (from: Socket, to: Socket): void => {
      this.#sockets.add(from);
      from.on("data", (bytes: Buffer) => {
        if (left === 0) {
          return;
        }
        const may = Math.min(left, bytes.length);
        left -= may;
        to.write(bytes.subarray(0, may));
        if (left === 0) {
          this.cuts += 1;
          near.destroy();
          far.destroy();
        }
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    pass(near, far);
    pass(far, near);
  }
}

const CUTS = 30;
const resume = rpc.resume({ firstDelay: 1, window: 60_000 });

async function* numbers(until: number): AsyncGenerator<bigint> {
  for (let number = 0; number < until; number += 1) {
    yield BigInt(number);
    if (number % 100 === 0) {
      await Promise.resolve();
    }
  }
}

const handler = { multiply: (a: bigint, b: bigint): bigint => a * b } as unknown as AnswersHandler;

await report("calls, streams both ways and calls back take no notice of cuts", async () => {
  const cutter = new Cutter(address, 400, 20_000);
  const handlers = [answersHandler(handler)];
  const connection = await connect(await cutter.start(), { resume, handlers });
  const exchange = new Exchange(connection);
  const touched = await exchange.touched();
  let touches = 0;
  const callers = Array.from({ length: 20 }, async (_, caller) => {
    for (let number = 0n; cutter.cuts < CUTS; number += 1n) {
      deepStrictEqual(await exchange.add(number, BigInt(caller)), number + BigInt(caller));
      deepStrictEqual(await exchange.ask(number, 3n), 3n * number + 1n);
      await exchange.touch();
      touches += 1;
    }
  });
  const down = async (): Promise<void> => {
    do {
      let next = 0;
      for await (const item of exchange.count(5_000)) {
        deepStrictEqual(item, next);
        next += 1;
      }
      deepStrictEqual(next, 5_000);
    } while (cutter.cuts < CUTS);
  };
  const up = async (): Promise<void> => {
    do {
      deepStrictEqual(await exchange.sum(numbers(5_000)), 12_497_500n);
    } while (cutter.cuts < CUTS);
  };
  await Promise.all([...callers, down(), up()]);
  // A call without a reply runs once as well.
  deepStrictEqual(await exchange.touched(), touched + touches);
  ok(cutter.cuts >= CUTS, String(cutter.cuts));
  await connection.close();
  cutter.stop();
});

await report("a channel keeps its connection", async () => {
  const cutter = new Cutter(address, 1_000_000, 1);
  const states: string[] = [];
  const way = channel(await cutter.start(), { resume, onState: (state) => states.push(state) });
  const exchange = new Exchange(way);
  await exchange.add(1n, 2n);
  const { signal } = new AbortController();
  const hanging = exchange.timeLeft({ timeout: 20_000, signal });
  cutter.cut();
  deepStrictEqual(await exchange.add(1n, 2n), 3n);
  ok(await hanging);
  deepStrictEqual(states, ["connecting", "connected"]);
  await way.close();
  cutter.stop();
});

await report("a server that does not know the connection refuses, and calls may have run", async () => {
  const cutter = new Cutter(address, 1_000_000, 1);
  const connection = await connect(await cutter.start(), { resume });
  const exchange = new Exchange(connection);
  await exchange.add(1n, 2n);
  const hanging = exchange.forever();
  const failed = hanging.then(
    () => undefined,
    (error: unknown) => error,
  );
  // What is sent before the answer to this has arrived.
  await exchange.add(1n, 2n);
  cutter.server = other;
  cutter.cut();
  const error = await failed;
  ok(error instanceof StatusError && error.code === "UNAVAILABLE" && error.mayHaveRun, String(error));
  match(error.message, /not resumed: the server does not know it/);
  await connection.closed;
  cutter.stop();
});

await report("nobody there for the window is a loss", async () => {
  const cutter = new Cutter(address, 1_000_000, 1);
  const brief = rpc.resume({ firstDelay: 1, window: 50 });
  const connection = await connect(await cutter.start(), { resume: brief });
  await new Exchange(connection).add(1n, 2n);
  cutter.stop();
  await connection.closed;
});

await report("a connection that closes leaves nothing behind", async () => {
  const before = process.getActiveResourcesInfo().length;
  const connection = await connect(`${scheme}${address}`, { resume });
  await new Exchange(connection).add(1n, 2n);
  await connection.close();
  for (let round = 0; round < 500 && process.getActiveResourcesInfo().length > before; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  ok(process.getActiveResourcesInfo().length <= before + 1, process.getActiveResourcesInfo().join());
});

finish();
