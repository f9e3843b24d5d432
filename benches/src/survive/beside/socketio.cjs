// socket.io's side of the comparison: a server that enters numbers in a record, and callers who wait for its acknowledgements.

const { Server } = require("socket.io");
const { io } = require("socket.io-client");
const http = require("node:http");
const readline = require("node:readline");

const work = Number(process.env.WORK);
const runs = new Map();
const web = http.createServer();
const server = new Server(web, {
  transports: ["websocket"],
  connectionStateRecovery: { maxDisconnectionDuration: 30_000, skipMiddlewares: true },
});
server.on("connection", (socket) => {
  socket.on("enter", (number, acknowledge) => {
    runs.set(number, (runs.get(number) ?? 0) + 1);
    setTimeout(() => acknowledge(number), work);
  });
});

let over = false;
let calls = 0;
const failed = [];

async function caller(socket) {
  while (!over) {
    calls += 1;
    const number = calls;
    try {
      await socket.emitWithAck("enter", number);
    } catch {
      failed.push(number);
    }
  }
}

function end() {
  const ran = failed.filter((number) => runs.has(number)).length;
  const doubled = [...runs.values()].filter((times) => times > 1).length;
  const figures = { cuts: 0, calls, failed: failed.length, ran, lost: failed.length - ran, doubled };
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}

web.listen(0, "127.0.0.1", () => {
  process.stdout.write(`127.0.0.1:${web.address().port}\n`);
});

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  if (line === "end") {
    over = true;
    return;
  }
  const repeated = process.env.RETRIES === "retries" ? { retries: 1_000_000, ackTimeout: 1000 } : { ackTimeout: 1000 };
  const socket = io(`http://${line}`, {
    transports: ["websocket"],
    reconnectionDelay: 1,
    reconnectionDelayMax: 10,
    ...repeated,
  });
  await Promise.all(Array.from({ length: Number(process.env.CALLERS) }, () => caller(socket)));
  setTimeout(end, 20 * work);
});
