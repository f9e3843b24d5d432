// JSON with whole numbers of any size: those that a double cannot hold are bigints.

const TOKEN = /\s*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;

/** The value of a text; throws a SyntaxError that says where it is none. */
export function parse(text) {
  TOKEN.lastIndex = 0;
  let at = 0;
  const wrong = (expected) => {
    const line = text.slice(0, at).split("\n").length;
    throw new SyntaxError(`line ${line}: ${expected} expected`);
  };
  const next = (expected) => {
    const found = TOKEN.exec(text);
    if (found === null) wrong(expected);
    at = TOKEN.lastIndex;
    return found;
  };
  const peek = () => {
    const found = TOKEN.exec(text);
    TOKEN.lastIndex = at;
    return found?.[1];
  };
  const list = (end, element) => {
    if (peek() === end) {
      next(end);
      return;
    }
    for (;;) {
      element();
      const [, sign] = next(`, or ${end}`);
      if (sign === end) return;
      if (sign !== ",") wrong(`, or ${end}`);
    }
  };
  const value = (depth) => {
    if (depth > 128) wrong("less nesting");
    const [, sign, string, number, word] = next("a value");
    if (string !== undefined) return JSON.parse(string);
    if (number !== undefined) return numberOf(number);
    if (word !== undefined) return JSON.parse(word);
    if (sign === "[") {
      const elements = [];
      list("]", () => elements.push(value(depth + 1)));
      return elements;
    }
    if (sign !== "{") wrong("a value");
    const object = Object.create(null);
    list("}", () => {
      const name = next("a name")[2];
      if (name === undefined || next(":")[1] !== ":") wrong("a name and a colon");
      object[JSON.parse(name)] = value(depth + 1);
    });
    return object;
  };
  const whole = value(0);
  if (text.slice(at).trim() !== "") wrong("nothing more");
  return whole;
}

function numberOf(text) {
  const number = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

/** The text of a value: short ones on one line. */
export function show(value, indent = "") {
  const flat = compact(value);
  if (flat.length + indent.length <= 72) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const numbers = value.every((each) => typeof each === "number");
    if (numbers) return wrapped(value, inner, indent);
    return `[\n${value.map((each) => inner + show(each, inner)).join(",\n")}\n${indent}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([name, each]) => `${inner}${JSON.stringify(name)}: ${show(each, inner)}`);
    return `{\n${entries.join(",\n")}\n${indent}}`;
  }
  return flat;
}

/** Many numbers, as bytes are, take as few lines as they can. */
function wrapped(numbers, inner, indent) {
  const lines = [];
  for (let at = 0; at < numbers.length; at += 24) lines.push(inner + numbers.slice(at, at + 24).join(", "));
  return `[\n${lines.join(",\n")}\n${indent}]`;
}

/** The text of a value on one line. */
export function compact(value, gap = " ") {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map((each) => compact(each, gap)).join(`,${gap}`)}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    const shown = entries.map(([name, each]) => `${JSON.stringify(name)}:${gap}${compact(each, gap)}`);
    return `{${shown.join(`,${gap}`)}}`;
  }
  return JSON.stringify(value) ?? "null";
}
