// One method: its documentation, a form with JSON beside it, what goes with the call, and what comes of it.

import { Gate, run, Upload } from "./calls.js";
import { asCurl, asRpc, asTypeScript } from "./commands.js";
import { field, formOf } from "./form.js";
import { compact, parse, show } from "./json.js";
import { button, coloured, copy, make, prose, shortTime } from "./page.js";
import { first, nameOf, Values } from "./shapes.js";

/** Items that are shown of a stream; all are counted. */
const SHOWN = 500;

const KINDS = {
  Unary: "one reply",
  Oneway: "no reply",
  ServerStream: "streams its reply",
  ClientStream: "takes a stream",
  Duplex: "streams both ways",
};

export function view(main, { service, method, kept, way, token, remember }) {
  const values = new Values(service);
  const described = service.description.method(method);
  const fields = method.arguments.map((argument) => ({ ...argument }));
  const initial = Object.fromEntries(fields.map(({ name, format }) => [name, first(service, format)]));
  let json = kept === undefined ? initial : { ...initial, ...given(kept.text, initial) };
  let running;

  const error = make("div", { class: "error", role: "alert" });
  const editor = make("textarea", { id: "json", spellcheck: "false", rows: 4, "aria-label": "Arguments as JSON" });
  const form = make("div", {});
  const drawForm = () => form.replaceChildren(fields.length > 0 ? formOf(service, fields, json, fromForm) : make("p", { class: "quiet" }, "It takes no arguments."));
  const fromForm = (next) => {
    json = next;
    editor.value = show(json);
    error.textContent = "";
  };
  editor.addEventListener("input", () => {
    try {
      json = parse(editor.value);
      error.textContent = "";
      drawForm();
    } catch (wrong) {
      error.textContent = wrong.message;
    }
  });
  editor.value = show(json);
  drawForm();

  const timeout = make("input", { id: "timeout", inputmode: "numeric", placeholder: "none", pattern: "[0-9]*" });
  timeout.value = kept?.timeout ?? "";
  const metadata = make("textarea", { id: "metadata", rows: 1, spellcheck: "false", placeholder: "tenant: acme" });
  metadata.value = kept?.metadata ?? "";
  const beside = make("details", { open: Boolean(timeout.value || metadata.value) },
    make("summary", {}, "Deadline and metadata"),
    make("div", { class: "beside" },
      make("label", { for: "timeout" }, "Deadline, ms"), timeout,
      make("label", { for: "metadata" }, "Metadata, a pair a line"), metadata));

  const result = make("div", {});
  const callButton = button("Call", () => call(), { class: "primary", title: "Ctrl Enter" });
  const cancelButton = button("Cancel", () => cancel(), { disabled: true, title: "Esc" });
  const queued = [];
  const copies = [["rpc", asRpc], ["curl", asCurl], ["TypeScript", asTypeScript]].map(([name, write]) =>
    button(name, (event) => {
      const said = event.currentTarget;
      try {
        const all = collect();
        void copy(write({ service, method, ...all, json: all.args, items: queued, itemValues: queued.map((item) => values.read(method.upload.format, item)) }), said);
      } catch (wrong) {
        error.textContent = wrong.message;
      }
    }, { class: "small", title: `Copy as ${name}` }));

  main.replaceChildren(
    make("h1", { class: "mono" }, method.path),
    make("div", { class: "badges" }, make("span", { class: "badge" }, KINDS[method.kind]), method.ordered ? make("span", { class: "badge" }, "ordered") : undefined,
      (method.requires ?? []).map((permission) => make("span", { class: "badge lock", title: "The caller needs this permission" }, `requires ${permission}`)),
      typeof method.deprecated === "string" ? make("span", { class: "badge warn" }, `deprecated${method.deprecated ? `: ${method.deprecated}` : ""}`) : undefined),
    make("pre", { class: "signature" }, signature(service, method)),
    ...prose(method.doc),
    make("div", { class: "ask" }, make("section", {}, make("h2", {}, "Arguments"), form), make("section", {}, make("h2", {}, make("label", { for: "json" }, "As JSON")), editor, error)),
    beside,
    make("div", { class: "actions" }, callButton, cancelButton, make("span", { class: "gap" }), make("span", { class: "quiet" }, "copy as"), copies),
    result,
  );

  /** What is said in the form, as values; throws what is wrong with it. */
  function collect() {
    parse(editor.value);
    const invalid = form.querySelector("input:invalid");
    if (invalid !== null) throw new TypeError(`${invalid.closest(".field")?.querySelector("label")?.firstChild.textContent ?? "a field"}: ${invalid.validationMessage} expected`);
    const stray = Object.keys(json).find((name) => !fields.some((argument) => argument.name === name));
    if (stray !== undefined) throw new TypeError(`there is no argument ${stray}`);
    const pairs = metadata.value.split("\n").map((line) => line.trim()).filter((line) => line !== "").map((line) => {
      const [, key, value] = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(line) ?? [];
      if (key === undefined) throw new TypeError(`metadata: "key: value" expected, not ${line}`);
      return [key, value];
    });
    const limit = timeout.value.trim() === "" ? undefined : Number(timeout.value);
    if (limit !== undefined && !Number.isFinite(limit)) throw new TypeError("deadline: a number of milliseconds expected");
    return { args: json, values: fields.map(({ name, format }) => values.read(format, json[name], name)), timeout: limit, metadata: pairs, token: token() };
  }

  function call() {
    if (running !== undefined) return;
    let all;
    try {
      all = collect();
      error.textContent = "";
    } catch (wrong) {
      error.textContent = wrong.message;
      error.scrollIntoView({ block: "nearest" });
      return;
    }
    const stop = new AbortController();
    const upload = method.upload ? new Upload() : undefined;
    const gate = new Gate();
    const shown = outcome({ service, method, values, upload, gate, queued });
    result.replaceChildren(shown.element);
    result.scrollIntoView({ block: "nearest" });
    running = { stop, gate };
    callButton.disabled = true;
    cancelButton.disabled = false;
    const text = compact(all.args);
    const end = (ended) => {
      running = undefined;
      callButton.disabled = false;
      cancelButton.disabled = true;
      shown.end(ended);
      const code = ended.app !== undefined ? "its own error" : ended.code;
      remember({ path: method.path, text, timeout: timeout.value, metadata: metadata.value, at: Date.now(), ok: ended.ok, took: shortTime(ended.ms), code });
    };
    void run({
      way: way(),
      kind: method.kind,
      method: described,
      args: all.values,
      upload,
      gate,
      options: { signal: stop.signal, metadata: all.metadata, ...(all.timeout === undefined ? {} : { timeout: all.timeout }) },
      told: { item: shown.item, metadata: shown.metadata, end },
    });
    shown.focus();
  }

  function cancel() {
    running?.gate.open();
    running?.stop.abort(new Error("cancelled here"));
  }

  main.querySelector(".fields :is(input, textarea, select)")?.focus({ preventScroll: true });
  return { call, cancel, leave: cancel };
}

/** What was said before, as far as it is still an object. */
function given(text, initial) {
  try {
    const found = parse(text);
    return Object.fromEntries(Object.keys(initial).filter((name) => name in found).map((name) => [name, found[name]]));
  } catch {
    return {};
  }
}

function signature(service, { name, arguments: all, upload, returns, fails, kind }) {
  const list = all.map((argument) => `${argument.name}: ${nameOf(service, argument.format)}`);
  if (upload) list.push(`${upload.name}: Streaming<${nameOf(service, upload.format)}>`);
  const value = kind === "ServerStream" || kind === "Duplex" ? `impl Stream<Item = ${nameOf(service, returns)}>` : nameOf(service, returns);
  const whole = fails ? `Result<${value}, ${nameOf(service, fails)}>` : value;
  return `fn ${name}(${list.join(", ")})${whole === "()" ? "" : ` -> ${whole}`}`;
}

/** Shows what comes of a call. */
function outcome({ service, method, values, upload, gate, queued }) {
  const status = make("span", { class: "quiet" }, "running …");
  const facts = make("span", { class: "quiet" });
  const bar = make("div", { class: "bar", role: "status" }, status, facts);
  const element = make("div", { class: "result" }, bar);
  const rows = make("div", { class: "items mono" });
  let [count, pending, drawing] = [0, [], false];
  const streams = method.kind === "ServerStream" || method.kind === "Duplex";
  const composer = upload && compose({ service, method, values, upload, queued, changed: () => said() });
  const said = () => {
    const parts = [];
    if (upload) parts.push(`${upload.taken} sent${upload.waiting > 0 ? `, ${upload.waiting} waiting` : ""}`);
    if (streams) parts.push(`${count} received`);
    facts.textContent = parts.join(" · ");
  };
  if (composer) element.append(composer.element);
  if (streams) {
    const pause = button("Pause", () => {
      if (gate.isShut) gate.open();
      else gate.shut();
      pause.textContent = gate.isShut ? "Go on" : "Pause";
    }, { class: "small", title: "Reads no further: the server is held up" });
    bar.append(pause);
    element.append(rows);
  }
  const draw = () => {
    drawing = false;
    const follow = rows.scrollHeight - rows.scrollTop - rows.clientHeight < 40;
    rows.append(...pending.slice(-SHOWN));
    pending = [];
    while (rows.children.length > SHOWN) rows.firstChild.remove();
    if (follow) rows.scrollTop = rows.scrollHeight;
    said();
  };
  const line = (label, text) => element.append(make("pre", {}, label, coloured(text)));
  said();
  return {
    element,
    focus: () => composer?.focus(),
    item: (item, number, ms) => {
      count = number;
      if (pending.length >= 2 * SHOWN) pending.splice(0, SHOWN);
      pending.push(make("div", { class: "item" }, make("span", {}, String(number)), make("span", {}, shortTime(ms)), make("span", {}, coloured(compact(values.show(method.returns, item))))));
      if (!drawing) {
        drawing = true;
        requestAnimationFrame(draw);
      }
    },
    metadata: (pairs, when) => {
      if (pairs.length > 0) line("", `${when} metadata ${compact(Object.fromEntries(pairs.map(([key, value]) => [key, typeof value === "string" ? value : [...value]])))}`);
    },
    end: (ended) => {
      draw();
      composer?.end();
      bar.querySelector("button")?.remove();
      status.className = ended.ok ? "ok" : "bad";
      status.textContent = ended.ok ? "OK" : ended.app === undefined ? ended.code : "the method's own error";
      facts.textContent = [shortTime(ended.ms), facts.textContent].filter((part) => part !== "").join(" · ");
      if (ended.ok && !streams && method.kind !== "Oneway") line("", show(values.show(method.returns, ended.value)));
      if (ended.app !== undefined) line("", show(values.show(method.fails, ended.app)));
      if (ended.message !== undefined) element.append(make("pre", {}, ended.message));
      if (ended.code !== undefined && ended.app === undefined) {
        const notes = [ended.mayHaveRun ? "The handler may have run." : "The handler was not started: a repetition repeats nothing."];
        if (ended.retryAfter !== undefined) notes.push(`Try again in ${shortTime(ended.retryAfter)}.`);
        element.append(make("pre", { class: "quiet" }, notes.join(" ")));
      }
    },
  };
}

/** What sends items, one by one. */
function compose({ service, method, values, upload, queued, changed }) {
  const { name, format } = method.upload;
  queued.length = 0;
  let json = first(service, format);
  const error = make("div", { class: "error" });
  const place = make("div", {});
  const draw = () => place.replaceChildren(make("label", { class: "quiet" }, `${name}: ${nameOf(service, format)}`), field(service, format, json, (next) => { json = next; }, 1, "item"));
  const focus = () => place.querySelector("input, textarea, select")?.focus();
  const send = () => {
    try {
      upload.push(values.read(format, json, name));
      queued.push(json);
      error.textContent = "";
      changed();
      place.querySelector("input, textarea, select")?.select?.();
    } catch (wrong) {
      error.textContent = wrong.message;
    }
  };
  const sendButton = button("Send", send, { title: "Enter" });
  const endButton = button("End", () => {
    upload.end();
    stop();
  }, { title: "Nothing more is sent" });
  const stop = () => {
    sendButton.disabled = true;
    endButton.disabled = true;
  };
  place.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey && !sendButton.disabled) {
      event.preventDefault();
      send();
    }
  });
  draw();
  return { element: make("div", { class: "composer" }, place, make("div", { class: "buttons" }, sendButton, endButton), error), focus, end: stop };
}
