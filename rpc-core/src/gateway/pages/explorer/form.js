// Forms made of descriptions. A form holds JSON: what is shown beside it, and sent.

import { compact, parse } from "./json.js";
import { button, make } from "./page.js";
import { containerOf, files, first, firstOf, firstVariant, isBytes, isFloat, isPlain, isWhole, nameOf, range } from "./shapes.js";

let ids = 0;

/** A form for a list of named values, such as arguments; `changed` runs with all of them as an object. */
export function formOf(service, fields, json, changed) {
  return struct(service, fields, json, changed, 0);
}

/** A form for one value. */
export function field(service, format, json, changed, depth, id) {
  if (depth > 16) return raw(json, changed, id);
  if (isBytes(format)) return bytes(json, changed, id);
  if (typeof format === "string") return scalar(format, json, changed, id);
  if ("Option" in format) return option(service, format.Option, json, changed, depth, id);
  if ("Seq" in format) return list(service, format.Seq, json, changed, depth);
  if ("Array" in format) return tuple(service, Array.from({ length: format.Array.size }, () => format.Array.content), json, changed, depth);
  if ("Tuple" in format) return tuple(service, format.Tuple, json, changed, depth);
  if ("Map" in format) return entries(service, format.Map, json, changed, depth);
  if ("Text" in format) {
    return format.Text.name === "Json" ? raw(json, changed, id) : input(format.Text.name, json ?? "", (text) => text, changed, id);
  }
  const container = containerOf(service, format);
  return container === undefined ? raw(json, changed, id) : inside(service, container.kind, json, changed, depth, id);
}

function inside(service, kind, json, changed, depth, id) {
  if (kind === "Unit") return make("span", { class: "quiet" }, "nothing to fill in");
  if ("Newtype" in kind) return field(service, kind.Newtype, json, changed, depth, id);
  if ("Tuple" in kind) return tuple(service, kind.Tuple, json, changed, depth);
  if ("Struct" in kind) return struct(service, kind.Struct, json, changed, depth);
  return choice(service, kind.Enum, json, changed, depth, id);
}

function struct(service, fields, json, changed, depth) {
  const value = { ...(typeof json === "object" && json !== null ? json : {}) };
  const rows = fields.map(({ name, doc, format, deprecated }) => {
    const id = `field-${++ids}`;
    const set = (next) => {
      value[name] = next;
      changed({ ...value });
    };
    return row(name, nameOf(service, format), doc, field(service, format, value[name], set, depth + 1, id), id, deprecated);
  });
  return make("div", { class: depth === 0 ? "fields" : "fields nested" }, rows);
}

function row(name, type, doc, control, id, deprecated) {
  const label = make("label", { for: id, title: doc || undefined }, name, make("span", { class: "type" }, type));
  if (typeof deprecated === "string") label.append(make("span", { class: "badge warn" }, "deprecated"));
  const short = doc ? make("span", { class: "hint" }, doc.split("\n")[0]) : undefined;
  return make("div", { class: "field" }, label, control, short);
}

/** A text field; `read` gives its value, or throws what is wrong with it. */
function input(kind, json, read, changed, id, attributes = {}) {
  const element = make("input", {
    id,
    class: "value",
    spellcheck: "false",
    autocomplete: "off",
    placeholder: kind,
    ...attributes,
    oninput: () => {
      try {
        const next = read(element.value);
        element.setCustomValidity("");
        changed(next);
      } catch (error) {
        element.setCustomValidity(error.message);
      }
      element.title = element.validationMessage;
    },
  });
  element.value = typeof json === "object" && json !== null ? compact(json) : String(json ?? "");
  return element;
}

function scalar(format, json, changed, id) {
  if (format === "Unit") return make("span", { class: "quiet" }, "nothing to fill in");
  if (format === "Bool") {
    const box = make("input", { id, type: "checkbox", onchange: () => changed(box.checked) });
    box.checked = json === true;
    return box;
  }
  if (format === "Str") {
    const area = make("textarea", { id, class: "value", rows: 1, spellcheck: "false", oninput: () => changed(area.value) });
    area.value = json ?? "";
    return area;
  }
  if (format === "Char") {
    return input("one character", json, (text) => {
      if ([...text].length !== 1) throw new Error("one character");
      return text;
    }, changed, id);
  }
  if (isWhole(format)) {
    const [least, most] = range(format);
    const read = (text) => {
      if (!/^\s*-?\d+\s*$/.test(text)) throw new Error("a whole number");
      const number = BigInt(text);
      if (number < least || number > most) throw new Error(`a number from ${least} to ${most}`);
      return Number.isSafeInteger(Number(number)) ? Number(number) : number;
    };
    return input(format.toLowerCase(), json, read, changed, id, { inputmode: "numeric" });
  }
  if (isFloat(format)) {
    const read = (text) => {
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw new Error("a number");
      return Number(text);
    };
    return input(format.toLowerCase(), json, read, changed, id, { inputmode: "decimal" });
  }
  return raw(json, changed, id);
}

function bytes(json, changed, id) {
  const said = make("span", { class: "quiet" }, typeof json === "string" ? json : `${json?.length ?? 0} bytes`);
  const text = make("input", {
    id,
    class: "value",
    placeholder: "text, or 0x and hexadecimal digits",
    spellcheck: "false",
    oninput: () => {
      const hex = /^0x((?:[0-9a-f]{2}|\s)*)$/i.exec(text.value);
      const found = hex === null ? new TextEncoder().encode(text.value) : Uint8Array.from(hex[1].match(/\S\S/g) ?? [], (pair) => Number.parseInt(pair, 16));
      said.textContent = `${found.length} bytes`;
      changed([...found]);
    },
  });
  if (Array.isArray(json) && json.length > 0) {
    text.value = `0x${json.map((byte) => Number(byte).toString(16).padStart(2, "0")).join("")}`;
  }
  const file = make("input", {
    type: "file",
    "aria-label": "Bytes from a file",
    onchange: async () => {
      const [chosen] = file.files;
      if (chosen === undefined) return;
      const name = `@${chosen.name}`;
      files.set(name, new Uint8Array(await chosen.arrayBuffer()));
      said.textContent = `${name}, ${chosen.size} bytes`;
      text.value = "";
      changed(name);
    },
  });
  return make("div", { class: "bytes" }, text, file, said);
}

function option(service, format, json, changed, depth, id) {
  const place = make("div", { class: "option" });
  const draw = (value) => {
    const there = value !== null && value !== undefined;
    const box = make("input", {
      id: there ? undefined : id,
      type: "checkbox",
      "aria-label": "There is a value",
      onchange: () => {
        const next = box.checked ? first(service, format) : null;
        changed(next);
        draw(next);
        place.querySelector(".value, input, select, textarea")?.focus();
      },
    });
    box.checked = there;
    place.replaceChildren(box, there ? field(service, format, value, changed, depth + 1, id) : make("span", { class: "quiet" }, "none"));
  };
  draw(json);
  return place;
}

function list(service, format, json, changed, depth) {
  const values = Array.isArray(json) ? [...json] : [];
  const place = make("div", { class: "list" });
  const draw = () => {
    const rows = values.map((value, index) => {
      const set = (next) => {
        values[index] = next;
        changed([...values]);
      };
      const remove = button("×", () => {
        values.splice(index, 1);
        changed([...values]);
        draw();
      }, { class: "small", title: "Remove", "aria-label": `Remove element ${index + 1}` });
      return make("div", { class: "element" }, field(service, format, value, set, depth + 1), remove);
    });
    const add = button("+ add", () => {
      values.push(first(service, format));
      changed([...values]);
      draw();
      place.querySelector(":scope > .element:last-of-type :is(input, select, textarea)")?.focus();
    }, { class: "small" });
    place.replaceChildren(...rows, add);
  };
  draw();
  return place;
}

function tuple(service, formats, json, changed, depth) {
  const values = formats.map((format, index) => json?.[index] ?? first(service, format));
  if (formats.length > 64) return raw(json, changed);
  const parts = formats.map((format, index) => {
    const set = (next) => {
      values[index] = next;
      changed([...values]);
    };
    return field(service, format, values[index], set, depth + 1);
  });
  return make("div", { class: "tuple" }, parts);
}

function entries(service, { key, value }, json, changed, depth) {
  const pairs = Array.isArray(json) ? json.map((pair) => [...pair]) : Object.entries(json ?? {});
  const place = make("div", { class: "list" });
  const tell = () => {
    const plain = pairs.every(([name]) => typeof name !== "object" || name === null);
    changed(plain ? Object.fromEntries(pairs.map(([name, each]) => [String(name), each])) : pairs.map((pair) => [...pair]));
  };
  const draw = () => {
    const rows = pairs.map((pair, index) => {
      const setter = (side) => (next) => {
        pair[side] = next;
        tell();
      };
      const remove = button("×", () => {
        pairs.splice(index, 1);
        tell();
        draw();
      }, { class: "small", title: "Remove", "aria-label": `Remove entry ${index + 1}` });
      return make("div", { class: "element entry" }, field(service, key, pair[0], setter(0), depth + 1), make("span", { class: "quiet" }, "→"), field(service, value, pair[1], setter(1), depth + 1), remove);
    });
    const add = button("+ add", () => {
      pairs.push([first(service, key), first(service, value)]);
      tell();
      draw();
      place.querySelector(":scope > .element:last-of-type :is(input, select, textarea)")?.focus();
    }, { class: "small" });
    place.replaceChildren(...rows, add);
  };
  draw();
  return place;
}

function choice(service, variants, json, changed, depth, id) {
  const present = typeof json === "string" ? json : Object.keys(json ?? {})[0];
  const place = make("div", { class: "choice" });
  const draw = (value) => {
    const name = typeof value === "string" ? value : Object.keys(value ?? {})[0];
    const variant = variants.find((each) => each.name === name);
    const select = make("select", {
      id,
      onchange: () => {
        const next = firstVariant(service, variants.find((each) => each.name === select.value));
        changed(next);
        draw(next);
        place.querySelector("select")?.focus();
      },
    }, variants.map((each) => make("option", { value: each.name, title: each.doc || undefined }, each.name)));
    if (variant !== undefined) select.value = variant.name;
    const children = [select];
    if (variant?.doc && !isPlain(variants)) children.push(make("span", { class: "hint" }, variant.doc.split("\n")[0]));
    if (variant !== undefined && variant.kind !== "Unit") {
      const set = (next) => changed({ [variant.name]: next });
      const content = value?.[variant.name] ?? firstOf(service, variant.kind);
      children.push(make("div", { class: "nested" }, inside(service, variant.kind, content, set, depth + 1)));
    }
    place.replaceChildren(...children);
  };
  draw(present === undefined && variants.length > 0 ? firstVariant(service, variants[0]) : json);
  return place;
}

/** What no form fits is written as JSON. */
function raw(json, changed, id) {
  return input("JSON", json === undefined ? "null" : compact(json), parse, changed, id);
}
