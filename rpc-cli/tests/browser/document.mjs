// The pages that `rpc` writes, in a browser: `node document.mjs RPC`.

import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { browser, check, finish, pageOf, pictures, same, start } from "./support.mjs";

const [rpc] = process.argv.slice(2);
const demo = await start(rpc, ["demo", "--listen", "127.0.0.1:0"]);
const folder = mkdtempSync(join(tmpdir(), "document-"));
const chromium = await browser();
const page = await pageOf(await chromium.newContext({ viewport: { width: 360, height: 640 } }));

/** Opens what a command has written. */
async function open(name, html) {
  const file = join(folder, name);
  if (html !== undefined) writeFileSync(file, html);
  await page.goto(`file://${file}`);
}
/** How far a reader would have to scroll to the side. */
const beside = () => page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
const shown = () => page.$$eval("article:not([hidden])", (all) => all.filter((one) => one.checkVisibility()).map((one) => one.id));

await open("api.html", execFileSync(rpc, ["describe", demo.first, "--format", "html"], { encoding: "utf8" }));

await check("a description fits a telephone", async () => same(await beside(), 0));

await check("a search leaves what has all its words", async () => {
  const all = await shown();
  await page.keyboard.press("/");
  await page.keyboard.type("divide MathError");
  same(await shown(), ["Calculator.div"]);
  await page.fill("nav input", "");
  same(await shown(), all);
});

await check("a click takes the whole command, and it runs", async () => {
  await page.click('[id="Calculator.add"] pre.call code');
  const command = await page.evaluate("getSelection().toString()");
  same(command.trim(), `rpc call ADDRESS Calculator.add '{"a":0,"b":0}'`);
  same(await page.textContent('[id="Calculator.add"] pre.reply'), "0");
});

await check("a report of a load fits a telephone", async () => {
  const report = join(folder, "report.html");
  execFileSync(rpc, ["bench", demo.first, "Calculator.add", "a=1", "b=2", "--count", "2000", "--html", report]);
  await open("report.html");
  same(await beside(), 0);
});

await pictures(page, "report");
await open("api.html");
await pictures(page, "api");
same(page.errors, []);
await chromium.close();
await demo.stop();
finish();
