// What the tests share: programs that are started and ended, a browser, pages of other origins.

import { deepStrictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

/** The longest that anything is waited for. */
export const PATIENCE = 20_000;

export { deepStrictEqual as same };

let failed = 0;

/** Runs a case and says how it went. */
export async function check(name, run) {
  const began = performance.now();
  try {
    await run();
    console.log(`ok ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${name}: ${error.stack}`);
  }
}

/** Ends the program. */
export function finish() {
  process.exit(failed === 0 ? 0 : 1);
}

/** A program that has said its first line; `stop` ends it and waits for that. */
export async function start(program, args) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = (await lines.next()).value;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async (signal = "SIGKILL") => {
    child.kill(signal);
    await ended;
  };
  process.once("exit", () => child.kill("SIGKILL"));
  return { child, first, lines, stop };
}

/** A browser without a window. */
export function browser() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--js-flags=--expose-gc", "--enable-precise-memory-info"] });
}

/** A page whose errors are those of the test; what it says of them is kept. */
export async function pageOf(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.errors = [];
  page.on("pageerror", (error) => page.errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") {
      page.errors.push(message.text());
    }
  });
  return page;
}

/** Where `PICTURES` names a folder: a page as people see it there, on a telephone and a wide screen, by day and by night. */
export async function pictures(page, name) {
  if (!process.env.PICTURES) return;
  for (const [colorScheme, width] of [["light", 1440], ["dark", 1440], ["light", 360], ["dark", 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    // Fonts and transitions have come to rest.
    await page.evaluate("document.fonts.ready.then(() => Promise.all(document.getAnimations().map((one) => one.finished)))");
    await page.screenshot({ path: join(process.env.PICTURES, `${name}-${colorScheme}-${width}.png`) });
  }
}

/** Serves texts by their paths, at another port than the server that they call. */
export async function site(files, headers = {}) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://any").pathname;
    const text = files[path];
    const type = path.endsWith(".js") ? "text/javascript" : "text/html";
    response.writeHead(text === undefined ? 204 : 200, { "content-type": `${type}; charset=utf-8`, ...headers });
    response.end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${String(server.address().port)}`;
  return { origin, close: () => server.close() };
}

/** Waits until what is asked is true. */
export async function until(ask) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    if (await ask()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`it did not come to be: ${String(ask)}`);
}
