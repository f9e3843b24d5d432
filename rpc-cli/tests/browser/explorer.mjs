// The explorer in a browser, by the keyboard: `node explorer.mjs RPC`.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { browser, check, finish, pageOf, pictures, same, start, until } from "./support.mjs";

const [rpc] = process.argv.slice(2);
const demo = await start(rpc, ["demo", "--listen", "127.0.0.1:0"]);
const address = demo.first;
const chromium = await browser();
const context = await chromium.newContext({ viewport: { width: 1440, height: 900 } });
await context.grantPermissions(["clipboard-read", "clipboard-write"]);
const page = await pageOf(context);
const asked = [];
page.on("request", (request) => asked.push(request.url()));
await page.goto(`http://${address}/`);
await page.waitForSelector("#services a");

/** Goes to a method by its name. */
async function open(path) {
  await page.evaluate((path) => { location.hash = path; }, path);
  await until(async () => (await page.textContent("h1")) === path);
}
/** The field of an argument, or of a field inside of one. */
const field = (name) => page.locator(`.field:has(> label:text-is("${name}")), .field:has(> label:has-text("${name}"))`).last();
const call = () => page.keyboard.press("Control+Enter");
const ended = () => until(async () => (await page.$(".result .ok, .result .bad")) !== null);
const result = async () => {
  await ended();
  return page.$$eval(".result > pre", (all) => all.map((pre) => pre.textContent).join("\n"));
};
const copied = async (name) => {
  await page.click(`.actions button[title="Copy as ${name}"]`);
  return page.evaluate("navigator.clipboard.readText()");
};

await check("a method is found and called by the keyboard alone", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("add");
  await page.keyboard.press("Enter");
  await until(async () => (await page.textContent("h1")) === "Calculator.add");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("9007199254740993");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("2");
  await call();
  same(await result(), "9007199254740995");
  same(await page.inputValue("#json"), '{"a": 9007199254740993, "b": 2}');
});

await check("what a method requires is said beside it and in the list", async () => {
  const own = await pageOf(context);
  await own.route("**/explorer/services.json", async (route) => {
    const answer = await route.fetch();
    const described = await answer.json();
    const services = Array.isArray(described) ? described : described.services;
    services.find(({ name }) => name === "Inventory").methods.find(({ path }) => path === "Inventory.put").requires = ["stock:write"];
    await route.fulfill({ response: answer, json: described });
  });
  await own.goto(`http://${address}/#Inventory.put`);
  await own.waitForSelector(".badge.lock");
  same(await own.textContent(".badge.lock"), "requires stock:write");
  same(await own.$$eval("#services li .kind", (all) => all.filter((kind) => kind.textContent.startsWith("🔒")).length), 1);
  same(own.errors, []);
  await own.close();
});

await check("what is copied does the same elsewhere", async () => {
  const shell = (command) => execFileSync("sh", ["-c", command], { encoding: "utf8", env: { ...process.env, PATH: `${join(rpc, "..")}:${process.env.PATH}` } });
  same(shell(await copied("rpc")).trim(), "9007199254740995");
  same(shell(`${await copied("curl")} -s`).trim(), "9007199254740995");
  const script = await copied("TypeScript");
  same(script.includes("new Calculator().add(9007199254740993n, 2n)"), true);
});

await check("JSON beside the form, and errors that say where", async () => {
  await open("Inventory.put");
  await page.fill("#json", '{"item": {"name": "crate", "kind": {"Kit": {"parts": ["lid", 5]}}, "stock": {"cellar": 7}}}');
  await call();
  same(await page.textContent(".error[role=alert]"), 'item.kind.Kit.parts[1]: a text expected, not 5');
  await page.fill("#json", '{"item": {"name": "crate", "kind": {"Kit": {"parts": ["lid"]}}, "stock": {"cellar": 7}}}');
  same(await page.inputValue(".choice select"), "Kit");
  await call();
  await ended();
  same(await page.textContent(".result .ok"), "OK");
  await open("Inventory.item");
  await page.fill("#json", '{"name": "crate"}');
  await call();
  same(JSON.parse(await result()), { name: "crate", kind: { Kit: { parts: ["lid"] } }, stock: { cellar: 7 }, tags: [], note: null });
  await page.fill("#json", '{"name": "nothing"}');
  await call();
  await until(async () => (await page.$(".result .bad")) !== null);
  same(JSON.parse(await result()), { Unknown: "nothing" });
});

await check("bytes from a file", async () => {
  await open("Inventory.set_picture");
  await page.fill("#json", '{"name": "crate", "picture": []}');
  const [name] = await page.$$eval(".field label", (all) => all.map((label) => label.firstChild.textContent)).then((names) => names.slice(1));
  await page.setInputFiles("input[type=file]", { name: "crate.png", mimeType: "image/png", buffer: Buffer.from([0x89, 0x50, 0, 255]) });
  await until(async () => (await page.inputValue("#json")).includes(`"${name}": "@crate.png"`));
  await call();
  await ended();
  await open("Inventory.picture");
  await page.fill("#json", '{"name": "crate"}');
  await call();
  same(await result(), "[137, 80, 0, 255]");
});

await check("a stream is watched as it comes, and cancelled", async () => {
  await open("Clock.ticks");
  await page.fill("#json", '{"every_ms": 5, "count": null}');
  await call();
  await until(async () => (await page.$$(".items .item")).length > 10);
  await page.keyboard.press("Escape");
  await ended();
  same(await page.textContent(".result .bad"), "CANCELLED");
  await open("Clock.sleeping");
  await until(async () => {
    await call();
    return (await result()) === "0";
  });
});

await check("items are sent while others come", async () => {
  await open("Log.shout");
  await call();
  await page.waitForSelector(".composer textarea");
  await page.keyboard.type("one");
  await page.keyboard.press("Enter");
  await until(async () => (await page.textContent(".items")).includes('"ONE"'));
  await page.keyboard.type("two");
  await page.keyboard.press("Enter");
  await until(async () => (await page.textContent(".items")).includes('"TWO"'));
  await page.click(".composer button:text-is('End')");
  await ended();
  same(await page.textContent(".result .ok"), "OK");
});

await check("a deadline and metadata travel with the call", async () => {
  await open("Clock.whoami");
  await page.click("summary");
  await page.fill("#metadata", "tenant: acme");
  await page.fill("#timeout", "5000");
  await call();
  const caller = JSON.parse(await result());
  same([caller.method, caller.metadata.tenant, caller.remaining_ms > 1000], ["Clock.whoami", "acme", true]);
  await open("Clock.sleep");
  await page.fill("#json", '{"ms": 60000}');
  await page.click("summary");
  await page.fill("#timeout", "30");
  await call();
  await ended();
  same(await page.textContent(".result .bad"), "DEADLINE_EXCEEDED");
});

await check("the server's calls are shown", async () => {
  await open("Chat.join");
  await page.fill("#json", '{"nick": "watcher", "room": "lobby"}');
  await call();
  await until(async () => (await page.textContent(".items")).includes("Welcome"));
  const other = await pageOf(chromium);
  await other.goto(`http://${address}/`);
  await other.evaluate(async () => {
    const { Chat } = await import("/client.js");
    const chat = new Chat();
    const events = chat.join("sender", "lobby");
    const { value } = await events.next();
    await chat.tell(value.session, "watcher", "psst");
    await events.return();
  });
  await other.close();
  await until(async () => (await page.textContent("#incoming")).includes('"psst"'));
  await page.keyboard.press("Escape");
  await ended();
});

await check("what was called is kept, and called again", async () => {
  await page.reload();
  await page.waitForSelector("#history .what");
  await page.click("#history button:has-text('Calculator.add')");
  same(await page.inputValue("#json"), '{"a": 9007199254740993, "b": 2}');
  await call();
  same(await result(), "9007199254740995");
});

await check("it fits narrow screens, and asks nobody but its server", async () => {
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    same(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  }
  same(asked.filter((url) => !url.startsWith(`http://${address}/`) && !url.startsWith("data:")), []);
  same(page.errors, []);
});

if (process.env.PICTURES) {
  for (const path of ["", "Inventory.put", "Clock.ticks", "Log.shout"]) {
    await page.evaluate((path) => { location.hash = path; }, path);
    if (path === "Clock.ticks") {
      await until(async () => (await page.textContent("h1")) === path);
      await page.fill("#json", '{"every_ms": 1, "count": 12}');
      await call();
      await ended();
    }
    await pictures(page, `explorer-${path || "start"}`);
  }
}
await chromium.close();
await demo.stop();
finish();
