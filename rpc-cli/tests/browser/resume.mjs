// A page whose line is cut again and again, bundled with the generated client: `node resume.mjs RPC`. What it serves is
// `rpc demo`; the proxy in between closes every line after a few thousand bytes, and has the page itself.

import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { build } from "esbuild";

import { browser, check, finish, pageOf, same, start } from "./support.mjs";

/** Bytes, of both directions together, after which a line is cut: more than its handshakes and one piece take. */
const LINE = 8_000;
const ITEMS = 5_000;
const CALLS = 200;

const [rpc] = process.argv.slice(2);
const demo = await start(rpc, ["demo", "--listen", "127.0.0.1:0"]);
const port = Number(demo.first.split(":").at(-1));
const folder = mkdtempSync(join(tmpdir(), "resume-"));
execFileSync(rpc, ["codegen", demo.first, "--lang", "typescript", "--out", join(folder, "client")]);

let cuts = 0;
let document = "";
const proxy = createServer((near) => {
  near.once("data", (first) => {
    if (first.toString("latin1").startsWith("GET /page ")) {
      const head = `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${String(Buffer.byteLength(document))}\r\n`;
      near.end(`${head}connection: close\r\n\r\n${document}`);
      return;
    }
    near.pause();
    near.unshift(first);
    carry(near);
  });
  near.on("error", () => undefined);
});

function carry(near) {
  const far = connect(port, "127.0.0.1");
  let left = LINE;
  const pass = (from, to) => {
    from.on("data", (bytes) => {
      const may = Math.min(left, bytes.length);
      left -= may;
      if (may > 0) to.write(bytes.subarray(0, may));
      if (left === 0 && !near.destroyed) {
        cuts += 1;
        near.destroy();
        far.destroy();
      }
    });
    from.on("error", () => undefined);
    from.on("close", () => to.destroy());
  };
  pass(near, far);
  pass(far, near);
  near.resume();
}

await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const origin = `127.0.0.1:${String(proxy.address().port)}`;

writeFileSync(
  join(folder, "page.ts"),
  `import { Calculator, Clock, connect, rpc } from "./client/index.js";
   const connection = await connect("ws:${origin}", { resume: rpc.resume({ firstDelay: 1 }) });
   const add = new Calculator(connection);
   const calls = Array.from({ length: ${CALLS} }, (_, number) => add.add(number, 1));
   const ticks: bigint[] = [];
   for await (const tick of new Clock(connection).ticks(0, ${ITEMS})) ticks.push(tick);
   const sums = await Promise.all(calls);
   await connection.close();
   Object.assign(window, { came: { sums: sums.map(Number), ticks: ticks.map(Number) } });`,
);
const bundle = await build({
  absWorkingDir: folder, entryPoints: ["page.ts"], bundle: true, write: false,
  platform: "browser", format: "esm", target: "es2022",
});
const chromium = await browser();
const page = await pageOf(await chromium.newContext());
document = `<!doctype html><link rel="icon" href="data:,"><script type="module">${bundle.outputFiles[0].text}</script>`;

await check("a page whose line is cut loses no item and no call", async () => {
  await page.goto(`http://${origin}/page`);
  await page.waitForFunction("window.came !== undefined");
  const { sums, ticks } = await page.evaluate("window.came");
  same(sums, Array.from({ length: CALLS }, (_, number) => number + 1));
  same(ticks, Array.from({ length: ITEMS }, (_, number) => number + 1));
  if (cuts < 5) throw new Error(`the line was cut ${String(cuts)} times`);
  console.log(`# ${String(cuts)} cuts`);
});

// A browser itself says of each line that it ended early.
same(page.errors.filter((error) => !error.includes("WebSocket connection")), []);
await chromium.close();
proxy.close();
await demo.stop();
finish();
