// What a description says of values: names for people, first values for forms, and the way between JSON and the values of
// the run-time.

const LONG = new Set(["I64", "U64", "I128", "U128"]);
const RANGES = new Map(
  [8, 16, 32, 64, 128].flatMap((bits) => [
    [`U${bits}`, [0n, (1n << BigInt(bits)) - 1n]],
    [`I${bits}`, [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]],
  ]),
);
/** Types that are text in JSON, and that the run-time has as text too. */
const TEXTS = new Set(["Ipv4Addr", "Ipv6Addr", "IpAddr", "SocketAddr", "SocketAddrV4", "SocketAddrV6"]);

/** The files that bytes are taken from, by the names that stand for them in JSON. */
export const files = new Map();

export const range = (format) => RANGES.get(format);
export const isWhole = (format) => RANGES.has(format);
export const isFloat = (format) => format === "F32" || format === "F64";
export const isOption = (format) => typeof format === "object" && "Option" in format;
export const isBytes = (format) =>
  format === "Bytes" || format.Seq === "U8" || (format.Array !== undefined && format.Array.content === "U8");
export const isPlain = (variants) => variants.every(({ kind }) => kind === "Unit");

/** The type in the words of Rust. */
export function nameOf(service, format) {
  const inner = (each) => nameOf(service, each);
  if (typeof format === "string") {
    return { Unit: "()", Str: "String" }[format] ?? (format === "Bytes" ? "Bytes" : format.toLowerCase());
  }
  if ("Option" in format) return `Option<${inner(format.Option)}>`;
  if ("Seq" in format) return `Vec<${inner(format.Seq)}>`;
  if ("Map" in format) return `Map<${inner(format.Map.key)}, ${inner(format.Map.value)}>`;
  if ("Tuple" in format) return `(${format.Tuple.map(inner).join(", ")})`;
  if ("Array" in format) return `[${inner(format.Array.content)}; ${format.Array.size}]`;
  if ("Text" in format) return format.Text.name;
  return service.types[format.Named]?.name ?? "?";
}

/** The content of a named type. */
export const containerOf = (service, format) =>
  typeof format === "object" && "Named" in format ? service.types[format.Named] : undefined;

/** A first value, as JSON. */
export function first(service, format, depth = 0) {
  const inner = (each) => first(service, each, depth + 1);
  if (typeof format === "string") {
    if (isWhole(format) || isFloat(format)) return 0;
    return { Unit: null, Bool: false, Char: "a", Str: "", Bytes: [] }[format];
  }
  if ("Option" in format) return null;
  if ("Seq" in format) return [];
  if ("Map" in format) return {};
  if ("Tuple" in format) return format.Tuple.map(inner);
  if ("Array" in format) return Array.from({ length: Math.min(format.Array.size, 4096) }, () => inner(format.Array.content));
  if ("Text" in format) return { Ipv4Addr: "127.0.0.1", IpAddr: "127.0.0.1", SocketAddr: "127.0.0.1:80", Json: null }[format.Text.name] ?? "";
  const container = service.types[format.Named];
  return container === undefined || depth > 12 ? null : firstOf(service, container.kind, depth);
}

export function firstOf(service, kind, depth = 0) {
  const inner = (each) => first(service, each, depth + 1);
  if (kind === "Unit") return null;
  if ("Newtype" in kind) return inner(kind.Newtype);
  if ("Tuple" in kind) return kind.Tuple.map(inner);
  if ("Struct" in kind) {
    return Object.fromEntries(kind.Struct.map((field) => [field.name, firstField(service, field, depth)]));
  }
  const [variant] = kind.Enum;
  return variant === undefined ? null : firstVariant(service, variant, depth);
}

function firstField(service, field, depth) {
  try {
    if (field.default) return JSON.parse(field.default);
  } catch {
    // It has one that is not known.
  }
  return first(service, field.format, depth + 1);
}

export function firstVariant(service, variant, depth = 0) {
  return variant.kind === "Unit" ? variant.name : { [variant.name]: firstOf(service, variant.kind, depth) };
}

/** Converts between JSON and the values of the run-time, for the types of one service. */
export class Values {
  constructor(service) {
    this.service = service;
  }

  /** The value of what stands in JSON; throws with the place where it is none. */
  read(format, json, place = "") {
    const wrong = (expected) => {
      throw new TypeError(`${place || "the value"}: ${expected} expected, not ${JSON.stringify(json, (_, each) => (typeof each === "bigint" ? String(each) : each))?.slice(0, 60)}`);
    };
    if (typeof format === "string") return scalar(format, json, wrong);
    if (isBytes(format)) return bytesOf(json, wrong);
    if ("Option" in format) {
      if (json === null || json === undefined) return null;
      const some = this.read(format.Option, json, place);
      return this.isNullable(format.Option) ? { some } : some;
    }
    if ("Seq" in format || "Array" in format) {
      const content = format.Seq ?? format.Array.content;
      if (!Array.isArray(json)) wrong("a list");
      return json.map((each, index) => this.read(content, each, `${place}[${index}]`));
    }
    if ("Tuple" in format) {
      if (!Array.isArray(json)) wrong("a list");
      return format.Tuple.map((part, index) => this.read(part, json[index], `${place}[${index}]`));
    }
    if ("Map" in format) {
      if (typeof json !== "object" || json === null) wrong("an object");
      const entries = Array.isArray(json) ? json : Object.entries(json);
      const { key, value } = format.Map;
      return new Map(entries.map(([name, each]) => [this.read(key, keyOf(key, name), `${place} key`), this.read(value, each, `${place}.${name}`)]));
    }
    if ("Text" in format) return this.text(format.Text, json, place, wrong);
    const container = this.service.types[format.Named];
    return this.inside(container, container.kind, json, place, wrong);
  }

  inside(container, kind, json, place, wrong) {
    if (kind === "Unit") return null;
    if ("Newtype" in kind) return this.read(kind.Newtype, json, place);
    if ("Tuple" in kind) return this.read({ Tuple: kind.Tuple }, json, place);
    if ("Struct" in kind) return this.fields(kind.Struct, json, place, wrong);
    const plain = typeof json === "string";
    const [name] = plain ? [json] : Object.keys(json ?? {});
    const variant = kind.Enum.find((each) => each.name === name);
    if (variant === undefined) wrong(kind.Enum.map((each) => each.name).join(" or "));
    const content = plain ? null : json[name];
    if (isResult(container)) return { [name.toLowerCase()]: this.read(variant.kind.Newtype, content, `${place}.${name}`) };
    if (isPlain(kind.Enum)) return name;
    if (variant.kind === "Unit") return { kind: name };
    const value = this.inside(container, variant.kind, content, `${place}.${name}`, wrong);
    const beside = "Struct" in variant.kind && !variant.kind.Struct.some((field) => field.name === "kind");
    return beside ? { kind: name, ...value } : { kind: name, value };
  }

  fields(fields, json, place, wrong) {
    if (typeof json !== "object" || json === null || Array.isArray(json)) wrong("an object");
    const known = new Set(fields.map((field) => field.name));
    const stray = Object.keys(json).find((name) => !known.has(name));
    if (stray !== undefined) throw new TypeError(`${place || "the value"}: there is no field ${stray}; there are ${[...known].join(", ")}`);
    const given = fields.filter((field) => json[field.name] !== undefined);
    return Object.fromEntries(given.map((field) => [field.name, this.read(field.format, json[field.name], `${place}.${field.name}`)]));
  }

  text({ name, wire }, json, place, wrong) {
    if (name === "Json") return JSON.stringify(json);
    if (typeof json === "string") {
      if (TEXTS.has(name) || wire === "Str") return json;
      if (name === "MethodKey") return BigInt(`0x${json}`);
      if (name === "Uuid" && /^[0-9a-f-]{32,36}$/i.test(json)) {
        return Uint8Array.from(json.replaceAll("-", "").match(/../g), (pair) => Number.parseInt(pair, 16));
      }
      wrong(`the form on the wire, ${nameOf(this.service, wire)},`);
    }
    return this.read(wire, json, place);
  }

  /** What is shown of a value: JSON. */
  show(format, value) {
    if (value === undefined) return null;
    if (typeof format === "string") {
      return value instanceof Uint8Array ? [...value] : typeof value === "bigint" ? long(value) : value;
    }
    if (isBytes(format)) return [...value];
    if ("Option" in format) {
      if (value === null) return null;
      return this.show(format.Option, this.isNullable(format.Option) ? value.some : value);
    }
    if ("Seq" in format || "Array" in format) {
      const content = format.Seq ?? format.Array.content;
      return value.map((each) => this.show(content, each));
    }
    if ("Tuple" in format) return format.Tuple.map((part, index) => this.show(part, value[index]));
    if ("Map" in format) {
      const entries = [...value].map(([key, each]) => [this.show(format.Map.key, key), this.show(format.Map.value, each)]);
      return entries.every(([key]) => typeof key !== "object") ? Object.fromEntries(entries) : entries;
    }
    if ("Text" in format) return this.showText(format.Text, value);
    const container = this.service.types[format.Named];
    return this.showInside(container, container.kind, value);
  }

  showInside(container, kind, value) {
    if (kind === "Unit") return null;
    if ("Newtype" in kind) return this.show(kind.Newtype, value);
    if ("Tuple" in kind) return this.show({ Tuple: kind.Tuple }, value);
    if ("Struct" in kind) {
      return Object.fromEntries(kind.Struct.map((field) => [field.name, this.show(field.format, value[field.name])]));
    }
    if (isResult(container)) {
      const [side, index] = "ok" in value ? ["ok", 0] : ["err", 1];
      const variant = kind.Enum[index];
      return { [variant.name]: this.show(variant.kind.Newtype, value[side]) };
    }
    if (typeof value === "string") return value;
    const variant = kind.Enum.find((each) => each.name === value.kind);
    if (variant.kind === "Unit") return variant.name;
    const beside = "Struct" in variant.kind && !variant.kind.Struct.some((field) => field.name === "kind");
    return { [variant.name]: this.showInside(container, variant.kind, beside ? value : value.value) };
  }

  showText({ name, wire }, value) {
    if (TEXTS.has(name)) return value;
    if (name === "Json") return JSON.parse(value);
    if (name === "MethodKey") return value.toString(16).padStart(16, "0");
    if (name === "Uuid") {
      const hex = [...value].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    }
    return this.show(wire, value);
  }

  /** Whether one of the values is null, so that an option of them has a form of its own. */
  isNullable(format, seen = new Set()) {
    if (format === "Unit" || isOption(format)) return true;
    if (typeof format === "string") return false;
    if ("Text" in format && !TEXTS.has(format.Text.name)) return this.isNullable(format.Text.wire, seen);
    const kind = containerOf(this.service, format)?.kind;
    if (kind === undefined || seen.has(format.Named)) return false;
    seen.add(format.Named);
    return kind === "Unit" || (kind.Newtype !== undefined && this.isNullable(kind.Newtype, seen));
  }
}

function isResult(container) {
  const [ok, err] = container.kind.Enum ?? [];
  return container.name.startsWith("Result<") && container.kind.Enum.length === 2 && ok.name === "Ok" && err.name === "Err";
}

function scalar(format, json, wrong) {
  if (format === "Unit") return null;
  if (format === "Bool") return typeof json === "boolean" ? json : wrong("true or false");
  if (format === "Bytes") return bytesOf(json, wrong);
  if (format === "Str" || format === "Char") return typeof json === "string" ? json : wrong("a text");
  if (isFloat(format)) return typeof json === "number" ? json : typeof json === "bigint" ? Number(json) : wrong("a number");
  if (typeof json !== "bigint" && !Number.isInteger(json)) wrong("a whole number");
  const [least, most] = range(format);
  const number = BigInt(json);
  if (number < least || number > most) wrong(`a number from ${least} to ${most}`);
  return LONG.has(format) ? number : Number(number);
}

function bytesOf(json, wrong) {
  if (typeof json === "string" && json.startsWith("@")) {
    return files.get(json) ?? wrong("a file that was chosen");
  }
  if (typeof json?.base64 === "string") return Uint8Array.from(atob(json.base64), (sign) => sign.charCodeAt(0));
  const bytes = Array.isArray(json) && json.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256);
  return bytes ? Uint8Array.from(json) : wrong("a list of bytes");
}

/** Keys of objects are text: those of other maps are read from it. */
function keyOf(format, name) {
  if (typeof name !== "string") return name;
  if (isWhole(format)) return /^-?\d+$/.test(name) ? BigInt(name) : name;
  if (format === "Bool") return name === "true" ? true : name === "false" ? false : name;
  return name;
}

function long(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
