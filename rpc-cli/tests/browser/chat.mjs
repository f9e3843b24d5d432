// The chat in two browsers, one behind TLS, and in two terminals: `node chat.mjs RPC CHAT`.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";

import { browser, check, finish, pageOf, pictures, same, start, until } from "./support.mjs";

const [rpc, program] = process.argv.slice(2);
let server = await start(program, ["server", "--listen", "127.0.0.1:0"]);
const address = server.first;
const port = Number(address.split(":").at(-1));

/** A terminal, with what was said in it. */
function terminal(nick) {
  const child = spawn(program, ["client", "--nick", nick, address], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  process.once("exit", () => child.kill("SIGKILL"));
  const said = () => lines.filter((line) => /^(ada|bob|eve|dan): /.test(line));
  return { lines, said, type: (line) => child.stdin.write(`${line}\n`), close: () => child.stdin.end() };
}

/** A page whose visitor has come in. */
async function visitor(chromium, url, nick) {
  const context = await chromium.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1000, height: 700 } });
  const page = await pageOf(context);
  await page.goto(url);
  await page.fill("#nick", nick);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#chat:not([hidden])");
  // The names stand above the first line of each run of lines.
  const said = () =>
    page.$$eval("#log .line:not(.whisper, .unsent)", (all) => {
      let who = "";
      return all.map((line) => {
        who = line.querySelector(".who")?.textContent.split(" · ")[0] ?? who;
        return `${who}: ${line.querySelector(".said").textContent}`;
      });
    });
  const type = async (text) => {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  };
  const whispers = () => page.$$eval("#log .whisper .said", (all) => all.map((said) => said.textContent));
  const members = () => page.$$eval("#members li", (all) => all.map((item) => item.textContent.slice(2)));
  return { page, said, type, whispers, members };
}

const folder = mkdtempSync(join(tmpdir(), "chat-"));
same(spawnSync(rpc, ["cert", "dev", folder]).status, 0);
const file = (name) => readFileSync(join(folder, name));
const secure = createServer({ cert: file("server.pem"), key: file("server.key") }, (from) => {
  const to = connect(port, "127.0.0.1");
  from.pipe(to).pipe(from);
  from.on("error", () => to.destroy());
  to.on("error", () => from.destroy());
});
await new Promise((resolve) => secure.listen(0, "127.0.0.1", resolve));

const chromium = await browser();
const ada = await visitor(chromium, `http://${address}/`, "ada");
const bob = await visitor(chromium, `https://127.0.0.1:${secure.address().port}/`, "bob");
const [eve, dan] = ["eve", "dan"].map(terminal);
const all = [ada, bob, eve, dan];
const everywhere = async (count) => {
  await until(async () => (await Promise.all(all.map((one) => one.said()))).every((said) => said.length >= count));
  const [first, ...others] = await Promise.all(all.map((one) => one.said()));
  same(first.length, count);
  for (const other of others) same(other, first);
  return first;
};

await check("what is said in one is read in all, once and in the order of the room", async () => {
  await until(async () => (await ada.members()).length === 4 && (await bob.members()).length === 4);
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(all.map((one, index) => one.type(`${round} by ${index}`)));
  }
  const said = await everywhere(20);
  same(said.filter((line) => line.startsWith("ada: ")), ["ada: 0 by 0", "ada: 1 by 0", "ada: 2 by 0", "ada: 3 by 0", "ada: 4 by 0"]);
});

await check("private messages reach one member, whichever side it is on", async () => {
  eve.type("/msg ada psst");
  await until(async () => (await ada.whispers()).includes("psst"));
  await ada.page.click("#members button:has-text('bob')");
  await ada.type("between us");
  await until(async () => (await bob.whispers()).includes("between us"));
  await ada.page.keyboard.press("Escape");
  same(await bob.whispers(), ["between us"]);
  same(dan.lines.some((line) => line.includes("psst") || line.includes("between us")), false);
});

await check("all come back when the server does, and nothing is lost or said twice", async () => {
  await server.stop();
  await until(async () => (await ada.page.textContent("#link")) !== "" && (await bob.page.textContent("#link")) !== "");
  await ada.type("typed while nobody listened");
  server = await start(program, ["server", "--listen", address]);
  const here = async (one) => (await one.members()).length === 4;
  await until(async () => (await here(ada)) && (await here(bob)));
  await until(async () => (await ada.said()).length === 21);
  await Promise.all(all.map((one, index) => one.type(`after ${index}`)));
  const said = await everywhere(25);
  same(said[20], "ada: typed while nobody listened");
});

await check("a room of one's own, and who is there", async () => {
  await ada.page.fill("#another", "tea");
  await ada.page.press("#another", "Enter");
  await until(async () => (await ada.page.textContent("#where")) === "# tea");
  await until(async () => (await bob.members()).length === 3);
  await until(async () => (await ada.page.$$("#rooms li")).length === 2);
  same(await ada.said(), []);
  await bob.type("without ada");
  await ada.page.click("#rooms button:has-text('lobby')");
  await until(async () => (await ada.said()).includes("bob: without ada"));
});

await check("a name that is taken is refused in words", async () => {
  const late = await pageOf(await chromium.newContext());
  await late.goto(`http://${address}/`);
  await late.fill("#nick", "bob");
  await late.keyboard.press("Enter");
  await until(async () => (await late.textContent("#refused")) === "Somebody is called bob already.");
});

await check("no page has an error, but for the server that was gone", async () => {
  const other = (text) => !/WebSocket connection to|ERR_CONNECTION/.test(text);
  same([...ada.page.errors, ...bob.page.errors].filter(other), []);
});

await pictures(ada.page, "chat");
await ada.page.goto(`http://${address}/`);
await pictures(ada.page, "chat-door");
await chromium.close();
await server.stop();
finish();
