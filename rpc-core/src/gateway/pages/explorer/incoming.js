// Calls that the server makes to this page: they are shown, and answered with a value that can be changed.

import { AppError } from "/explorer/rpc.js";
import { parse, show } from "./json.js";
import { coloured, make } from "./page.js";
import { first, Values } from "./shapes.js";

/** The answers by methods, as texts of JSON. */
const answers = new Map();
const SHOWN = 50;

/** A handler for all methods of a service. */
export function answering(service, description, told) {
  const values = new Values(service);
  const methods = service.methods.map((method) => {
    const streams = method.kind === "ServerStream" || method.kind === "Duplex";
    if (!answers.has(method.path)) {
      const one = first(service, method.returns);
      answers.set(method.path, show(streams ? [one] : one));
    }
    const read = () => {
      const json = parse(answers.get(method.path));
      const failure = json?.$fail;
      if (failure !== undefined && method.fails) throw new AppError(values.read(method.fails, failure));
      return streams ? json.map((each) => values.read(method.returns, each)) : values.read(method.returns, json);
    };
    const run = (...given) => {
      const args = Object.fromEntries(method.arguments.map(({ name, format }, index) => [name, values.show(format, given[index])]));
      const call = { method, args, items: [] };
      const refresh = told(call);
      if (!method.upload) return read();
      const upload = given[method.arguments.length];
      const taken = async () => {
        for await (const item of upload) {
          call.items.push(values.show(method.upload.format, item));
          refresh();
        }
      };
      return streams ? answerBoth(taken(), read()) : taken().then(read);
    };
    return [method.name, run];
  });
  return description.handler()(Object.fromEntries(methods));
}

async function* answerBoth(taken, items) {
  yield* items;
  await taken;
}

/** Shows a call; gives what shows it anew. */
export function showIncoming(place, service, { method, args, items }) {
  const what = make("pre", {});
  const draw = () => what.replaceChildren(...coloured(show(args)), items.length > 0 ? `\n${items.length} items, the last ${show(items.at(-1))}` : "");
  draw();
  const editor = make("textarea", { rows: 1, spellcheck: "false", "aria-label": `The answer to ${method.path}` });
  editor.value = answers.get(method.path);
  editor.addEventListener("input", () => answers.set(method.path, editor.value));
  const quiet = method.kind === "Oneway" || method.returns === "Unit";
  const answer = quiet ? undefined : make("label", { class: "quiet" }, "the next answer", editor);
  place.querySelector(":scope > p")?.remove();
  place.prepend(make("div", { class: "card" }, make("span", { class: "what" }, method.path, make("span", { class: "quiet" }, new Date().toLocaleTimeString())), what, answer));
  while (place.children.length > SHOWN) place.lastChild.remove();
  return draw;
}
