// The client that a port serves, in a browser: `node client.mjs RPC README MODULE`, where MODULE writes that of one service.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { browser, check, finish, pageOf, same, site, start, until } from "./support.mjs";

const [rpc, readme, module] = process.argv.slice(2);
let demo = await start(rpc, ["demo", "--listen", "127.0.0.1:0"]);
const address = demo.first;
const chromium = await browser();
const plain = await site({ "/": "<!doctype html><title>Empty</title>" });
const page = await pageOf(chromium);
await page.goto(plain.origin);
/** The items of the longest stream. */
const ITEMS = Number(process.env.ITEMS ?? 1_000_000);
/** Runs in the page, with what the port serves. */
const inPage = (run, argument) =>
  page.evaluate(
    `import("http://${address}/client.js").then((client) => (${String(run)})(client, ${JSON.stringify(argument ?? null)}))`,
  );

await check("the page of the README calls a method and reads a stream", async () => {
  const text = readFileSync(readme, "utf8");
  const [, five] = /```html\n([^]*?)```/.exec(text);
  same(five.trim().split("\n").length, 5);
  const own = await site({ "/": five.replaceAll("127.0.0.1:7000", address) });
  const reader = await pageOf(chromium);
  await reader.goto(own.origin);
  await until(async () => (await reader.textContent("body")).trim().endsWith("3 1 2 3"));
  same(reader.errors, []);
  await reader.close();
  own.close();
});

await check("values of all kinds, errors, an upload, both ways", async () => {
  const found = await inPage(async ({ AppError, Calculator, Inventory, Log, MathError, StatusError }) => {
    const calculator = new Calculator();
    const wide = await calculator.add(2n ** 62n, 1n);
    const mean = await calculator.average([1, 2, 6]);
    const own = await calculator.div(1, 0).catch((error) => AppError.is(error, MathError) && error.value.kind);
    const inventory = new Inventory();
    const item = { name: "box", kind: { kind: "Boxed", value: [1, 2, 3] }, stock: new Map([["cellar", 7]]) };
    await inventory.put(item);
    const boxes = await inventory.find({ name: "box" });
    const status = await inventory.put({ ...item, name: 5 }).catch((error) => error.name);
    const loud = await new Log().shout(["a", "b"]).toArray();
    return [wide === 2n ** 62n + 1n, mean, own, boxes[0]?.stock.get("cellar"), boxes[0]?.tags, status, loud];
  });
  same(found, [true, 3, "DivisionByZero", 7, [], "EncodeError", ["A", "B"]]);
});

await check("cancellation, deadlines and signals reach the handler", async () => {
  const found = await inPage(async ({ Clock }) => {
    const clock = new Clock();
    for await (const tick of clock.ticks(1n)) {
      if (tick === 5n) break;
    }
    const late = await clock.sleep(60_000n, { timeout: 50 }).catch((error) => [error.code, error.mayHaveRun]);
    const gone = new AbortController();
    const call = clock.sleep(60_000n, { signal: gone.signal });
    while ((await clock.sleeping()) !== 1);
    gone.abort(new Error("enough"));
    const aborted = await call.catch((error) => [error.code, error.cause.message]);
    while ((await clock.sleeping()) !== 0);
    return [late, aborted];
  });
  same(found, [["DEADLINE_EXCEEDED", true], ["CANCELLED", "enough"]]);
});

await check("the server calls the page", async () => {
  const found = await inPage(async ({ channel, Chat, chatEventsHandler }) => {
    const told = Promise.withResolvers();
    const join = async (nick, handlers) => {
      const chat = new Chat(channel({ handlers }));
      const events = chat.join(nick, "tea");
      const { value } = await events.next();
      return [chat, value.session, events];
    };
    const [, , mine] = await join("ada", [chatEventsHandler({ private: (line) => told.resolve(line) })]);
    const [bob, session] = await join("bob", []);
    await bob.tell(session, "ada", "psst");
    const line = await told.promise;
    await mine.return();
    return [line.nick, line.text];
  });
  same(found, ["bob", "psst"]);
});

await check("a million items both ways through a page that reads slowly", async () => {
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${demo.child.pid}/status`, "utf8"))[1]);
  const before = memory();
  const found = await inPage(async ({ Log }, count) => {
    gc();
    const before = performance.memory.usedJSHeapSize;
    let [sent, read, most, ahead] = [0, 0, 0, 0];
    async function* numbers() {
      for (; sent < count; sent += 1) yield String(sent);
    }
    for await (const item of new Log().shout(numbers())) {
      if (item !== String(read)) return `item ${read} is ${item}`;
      read += 1;
      if (read % 20_000 === 0) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        gc();
        ahead = Math.max(ahead, sent - read);
        most = Math.max(most, performance.memory.usedJSHeapSize - before);
      }
    }
    return { sent, read, most, ahead };
  }, ITEMS);
  same([found.sent, found.read], [ITEMS, ITEMS]);
  const grown = memory() - before;
  console.log(`   the page held ${(found.most / 2 ** 20).toFixed(1)} MiB more at most, the server ${grown} KiB; ${found.ahead} items were under way`);
  // The items and their numbers are 7 MB each way: neither side keeps them.
  same([found.most < 64 * 2 ** 20, grown < 32 * 1024, found.ahead < 300_000], [true, true, true]);
});

await check("a worker, under a policy that allows no inline script and no eval", async () => {
  const policy = `default-src 'none'; script-src 'self' http://${address}; connect-src ws://${address}; worker-src 'self' http://${address}`;
  const strict = await site(
    {
      "/": "<!doctype html><p id=out></p><script type=module src=/page.js></script>",
      "/page.js": "const worker = new Worker('/worker.js', { type: 'module' });\nworker.onmessage = ({ data }) => out.append(data);\nworker.onerror = ({ message }) => console.error(message);",
      "/worker.js": `import { Calculator } from "http://${address}/client.js";
        postMessage(String(await new Calculator().add(20n, 22n)));`,
    },
    { "content-security-policy": policy },
  );
  const reader = await pageOf(chromium);
  await reader.goto(strict.origin);
  await until(async () => reader.errors.length > 0 || (await reader.textContent("#out")) === "42");
  same(reader.errors, []);
  await reader.close();
  strict.close();
});

await check("a channel comes back with the server, and says so", async () => {
  await page.evaluate(`globalThis.states = []; import("http://${address}/client.js").then(async (client) => {
    globalThis.welcomed = 0;
    const way = client.channel({
      firstDelay: 20,
      longestDelay: 100,
      onState: (state) => states.push(state),
      onConnected: () => { welcomed += 1; },
    });
    globalThis.calculator = new client.Calculator(way);
    globalThis.clock = new client.Clock(way);
    await calculator.add(1n, 1n);
    globalThis.lost = clock.sleep(60_000n).catch((error) => [error.code, error.mayHaveRun]);
    while ((await clock.sleeping()) !== 1);
  })`);
  await demo.stop();
  same(await page.evaluate("lost"), ["UNAVAILABLE", true]);
  await until(() => page.evaluate("states.includes('waiting')"));
  await page.evaluate("globalThis.kept = calculator.add(40n, 2n, { timeout: 20_000 }).then(String); 0");
  demo = await start(rpc, ["demo", "--listen", address]);
  same(await page.evaluate("kept"), "42");
  same(await page.evaluate("welcomed"), 2);
  // Its socket is gone for a page that has slept: the next look at it finds that out.
  await page.evaluate("dispatchEvent(new Event('online'))");
  same(await page.evaluate("calculator.add(1n, 1n).then(String)"), "2");
});

await check("pages of other origins are refused, and told so", async () => {
  const answer = await fetch(`http://${address}/client.js`, { headers: { origin: "https://evil.example" } });
  same(answer.status, 403);
});

await check("it is small", async () => {
  const size = (text) => gzipSync(text, { level: 9 }).length;
  const all = size(await (await fetch(`http://${address}/client.js`)).text());
  const [one, streaming] = [size(execFileSync(module)), size(execFileSync(module, ["stream"]))];
  console.log(`   bytes of gzip: ${all} for the demo, ${one} for one service, ${streaming} for one with a stream`);
  same([all <= 20_000, one <= 12_000], [true, true]);
});

await chromium.close();
await demo.stop();
plain.close();
finish();
