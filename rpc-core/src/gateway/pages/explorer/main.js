// The explorer: the services of the server that this page is from, a view for each method, what was called before.

import { channel, Description } from "/explorer/rpc.js";
import { answering, showIncoming } from "./incoming.js";
import { button, make } from "./page.js";
import { view } from "./view.js";

const at = (id) => document.getElementById(id);
const HISTORY = "rpc-explorer-history";
const KEPT = 50;

/** What the page knows: the description, the way to the server, what was called. */
const state = { document: undefined, token: "", way: undefined, history: read(), view: undefined };

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(HISTORY) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

async function load() {
  const headers = state.token === "" ? {} : { authorization: `Bearer ${state.token}` };
  const answer = await fetch("/explorer/services.json", { headers });
  if (answer.status === 401 || answer.status === 403) {
    at("main").replaceChildren(make("h1", {}, "A token, please"), make("p", {}, await answer.text()), button("Enter a token", askToken, { class: "primary" }));
    askToken();
    return;
  }
  if (!answer.ok) throw new Error(await answer.text());
  state.document = await answer.json();
  for (const service of state.document.services) service.description = new Description(service);
  const { title } = state.document;
  at("title").textContent = title;
  document.title = `${title} · explorer`;
  connect();
  drawServices();
  drawHistory();
  route();
}

function connect() {
  void state.way?.close({ grace: 0 });
  const { calls } = state.document;
  at("incoming").hidden = calls.length === 0;
  const place = at("incoming").querySelector(".list");
  place.replaceChildren(make("p", { class: "quiet" }, "None yet. They are shown here, and answered."));
  const way = channel(new URL("/", location.href).href, {
    ...(state.token === "" ? {} : { token: state.token }),
    name: "explorer",
    handlers: calls.map((service) => answering(service, new Description(service), (call) => showIncoming(place, service, call))),
    onState: (now, why) => {
      if (state.way !== way) return;
      at("state").dataset.state = now;
      at("state").textContent = { idle: "not connected", connected: "connected", connecting: "connecting …", waiting: "trying again …", closed: "closed" }[now];
      at("state").title = why?.message ?? "";
    },
  });
  state.way = way;
}

const kinds = { Unary: "", Oneway: "no reply", ServerStream: "↓ stream", ClientStream: "↑ stream", Duplex: "↑↓ streams" };

function drawServices() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const matches = (method, service) => words.every((word) => `${method.path} ${method.doc ?? ""} ${service.doc ?? ""}`.toLowerCase().includes(word));
  const blocks = state.document.services.map((service) => {
    const methods = service.methods.filter((method) => matches(method, service));
    if (methods.length === 0) return undefined;
    const links = methods.map((method) =>
      make("li", {}, make("a", { href: `#${method.path}`, title: method.doc || undefined }, method.name, make("span", { class: "kind" }, method.requires?.length ? "🔒 " : "", kinds[method.kind]))),
    );
    return make("section", {}, make("h3", { title: service.doc || undefined }, service.name), make("ul", {}, links));
  });
  const shown = blocks.filter((block) => block !== undefined);
  at("services").replaceChildren(...(shown.length > 0 ? shown : [make("p", { class: "quiet" }, "No method has that in it.")]));
  mark();
}

function mark() {
  for (const link of at("services").querySelectorAll("a")) {
    if (link.hash === decodeURIComponent(location.hash)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function find(path) {
  for (const service of state.document.services) {
    const method = service.methods.find((each) => each.path === path);
    if (method !== undefined) return { service, method };
  }
  return undefined;
}

/** Shows the method that the address names, with what was said of it before, if anything was. */
function route(before) {
  const path = decodeURIComponent(location.hash.slice(1));
  const found = find(path);
  state.view?.leave();
  state.view = undefined;
  at("nav").classList.remove("open");
  at("menu").setAttribute("aria-expanded", "false");
  if (found === undefined) {
    welcome();
  } else {
    const kept = before ?? state.history.find((entry) => entry.path === path);
    state.view = view(at("main"), { ...found, kept, way: () => state.way, token: () => state.token, remember });
  }
  mark();
}

function welcome() {
  const { services, title } = state.document;
  const list = services.map((service) => make("p", {}, make("strong", {}, service.name), ` ${service.doc?.split("\n")[0] ?? ""} `, make("span", { class: "quiet whole" }, `${service.methods.length} methods`)));
  const keys = make("p", { class: "quiet" }, "Choose a method, or type ", make("kbd", {}, "/"), " to search. ", make("kbd", {}, "?"), " shows all keys.");
  at("main").replaceChildren(make("h1", {}, title), keys, ...list);
}

function remember(entry) {
  const same = (kept) => kept.path === entry.path && kept.text === entry.text;
  state.history = [entry, ...state.history.filter((kept) => !same(kept))].slice(0, KEPT);
  try {
    localStorage.setItem(HISTORY, JSON.stringify(state.history));
  } catch {
    // It is kept for as long as the page is there.
  }
  drawHistory();
}

function drawHistory() {
  const cards = state.history.map((entry) => {
    const again = () => {
      history.pushState(null, "", `#${entry.path}`);
      route(entry);
      at("main").focus();
    };
    const outcome = make("span", { class: entry.ok ? "good" : "bad" }, entry.ok ? entry.took : entry.code);
    return make("button", { type: "button", onclick: again, title: new Date(entry.at).toLocaleString() }, make("span", { class: "what" }, entry.path, outcome), make("span", { class: "with mono" }, entry.text));
  });
  const clear = button("Forget all", () => {
    state.history = [];
    localStorage.removeItem(HISTORY);
    drawHistory();
  }, { class: "small" });
  const none = make("p", { class: "quiet" }, "Calls that you make are listed here, and stay in this browser.");
  at("history").querySelector(".list").replaceChildren(...(cards.length > 0 ? [...cards, clear] : [none]));
}

function askToken() {
  const input = make("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false" });
  input.value = state.token;
  const apply = (event) => {
    event.preventDefault();
    state.token = input.value;
    at("dialog").close();
    at("identity").textContent = state.token === "" ? "Token" : "Token ✓";
    void start();
  };
  at("dialog").replaceChildren(
    make("h2", {}, "Who calls"),
    make("form", { onsubmit: apply }, make("label", { for: "token" }, "The token that is shown to the server, in hello and with HTTP. It stays in this page."), input, make("div", { class: "actions" }, make("button", { type: "submit", class: "primary" }, "Use it"), button("Cancel", () => at("dialog").close()))),
  );
  at("dialog").showModal();
}

function showKeys() {
  const keys = [["/", "search methods"], ["↑ ↓", "go through the methods that were found"], ["Ctrl Enter", "call"], ["Esc", "cancel the call"], ["Alt ↑ ↓", "the method before, the next one"], ["?", "this help"]];
  const rows = keys.flatMap(([key, what]) => [make("dt", {}, key.split(" ").flatMap((one) => [make("kbd", {}, one), " "])), make("dd", {}, what)]);
  at("dialog").replaceChildren(make("h2", {}, "Keys"), make("dl", { class: "keys" }, rows), make("div", { class: "actions" }, button("Close", () => at("dialog").close(), { class: "primary" })));
  at("dialog").showModal();
}

/** Moves the focus among the links of methods. */
function step(from, by) {
  const links = [...at("services").querySelectorAll("a")];
  const next = links[links.indexOf(from) + by];
  (next ?? (by < 0 ? at("search") : from))?.focus();
}

function beside(by) {
  const links = [...at("services").querySelectorAll("a")];
  const now = links.findIndex((link) => link.hasAttribute("aria-current"));
  links[(now + by + links.length) % links.length]?.click();
}

function onKey(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") state.view?.call();
  else if (event.altKey && event.key === "ArrowDown") beside(1);
  else if (event.altKey && event.key === "ArrowUp") beside(-1);
  else if (event.key === "Escape" && !at("dialog").open) state.view?.cancel();
  else if (event.target === at("search") && event.key === "ArrowDown") step(undefined, 1);
  else if (event.target === at("search") && event.key === "Enter") at("services").querySelector("a")?.click();
  else if (event.target.closest?.("#services") && /^Arrow(Up|Down)$/.test(event.key)) step(event.target, event.key === "ArrowUp" ? -1 : 1);
  else if (!typing && plain && event.key === "/") {
    at("nav").classList.add("open");
    at("search").select();
  } else if (!typing && plain && event.key === "?") showKeys();
  else return;
  event.preventDefault();
}

async function start() {
  try {
    await load();
  } catch (error) {
    at("main").replaceChildren(make("h1", {}, "The server does not describe itself"), make("p", {}, error.message), button("Try again", start, { class: "primary" }));
  }
}

at("search").addEventListener("input", drawServices);
at("identity").addEventListener("click", askToken);
at("help").addEventListener("click", showKeys);
at("menu").addEventListener("click", () => {
  const open = at("nav").classList.toggle("open");
  at("menu").setAttribute("aria-expanded", String(open));
});
addEventListener("hashchange", () => state.document && route());
addEventListener("popstate", () => state.document && route());
addEventListener("keydown", onKey);
void start();
