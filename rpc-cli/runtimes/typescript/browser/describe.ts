// Clients made of a description while the program runs: what generated code says of types and methods, read from the
// document that describes the services. The forms of values are those of generated clients.

import * as texts from "../src/addresses.js";
import * as rpc from "../src/answers.js";
import * as codecs from "../src/codecs.js";
import type { AnyCodec, Codec } from "../src/codecs.js";
import * as composites from "../src/composites.js";
import type { Caller } from "../src/connection.js";
import type { CallOptions, Items, Method, ServiceHandler } from "../src/method.js";

/** The shape of a value, as descriptions write it. */
export type Format =
  | string
  | { readonly Option: Format }
  | { readonly Seq: Format }
  | { readonly Map: { readonly key: Format; readonly value: Format } }
  | { readonly Tuple: readonly Format[] }
  | { readonly Array: { readonly content: Format; readonly size: number } }
  | { readonly Named: string }
  | { readonly Text: { readonly name: string; readonly wire: Format } };

export interface Field {
  readonly name: string;
  readonly doc?: string;
  readonly format: Format;
  readonly optional?: boolean;
  /** JSON. */
  readonly default?: string | null;
}

export interface Variant {
  readonly name: string;
  readonly doc?: string;
  readonly kind: Kind;
}

/** The inside of a type or variant. */
export type Kind =
  | "Unit"
  | { readonly Newtype: Format }
  | { readonly Tuple: readonly Format[] }
  | { readonly Struct: readonly Field[] }
  | { readonly Enum: readonly Variant[] };

export interface Container {
  readonly name: string;
  readonly doc?: string;
  readonly kind: Kind;
  /** The service that describes it as well, and has it: types of several services are one. */
  readonly of?: number;
}

export interface Argument {
  readonly name: string;
  readonly format: Format;
}

export interface DescribedMethod {
  /** The name that programs call it by. */
  readonly name: string;
  readonly path: string;
  readonly doc?: string;
  readonly deprecated?: string | null;
  readonly kind: "Unary" | "Oneway" | "ServerStream" | "ClientStream" | "Duplex";
  readonly arguments: readonly Argument[];
  readonly upload?: Argument | null;
  readonly returns: Format;
  readonly fails?: Format | null;
  readonly ordered?: boolean;
  readonly requires?: readonly string[];
  /** Sixteen hexadecimal digits. */
  readonly key: string;
}

export interface DescribedService {
  readonly name: string;
  readonly doc?: string;
  readonly methods: readonly DescribedMethod[];
  readonly types: Readonly<Record<string, Container>>;
}

/** What a class of callers is made with. */
type ClientClass = new (caller?: Caller) => Record<string, (...given: never[]) => unknown>;

/** Methods may have any name. */
const CALLER = Symbol("caller");

const LONG = ["I64", "I128", "U64", "U128"];

/** Types whose values are text for people. */
const TEXTS: Readonly<Record<string, AnyCodec>> = {
  Ipv4Addr: texts.ipv4Addr,
  Ipv6Addr: texts.ipv6Addr,
  IpAddr: texts.ipAddr,
  SocketAddr: texts.socketAddr,
  SocketAddrV4: texts.socketAddrV4,
  SocketAddrV6: texts.socketAddrV6,
};

/** The same as code of the run-time has them. */
const SCALARS: Readonly<Record<string, AnyCodec>> = {
  Unit: codecs.unit,
  Bool: codecs.bool,
  I8: codecs.i8,
  I16: codecs.i16,
  I32: codecs.i32,
  I64: codecs.i64,
  I128: codecs.i128,
  U8: codecs.u8,
  U16: codecs.u16,
  U32: codecs.u32,
  U64: codecs.u64,
  U128: codecs.u128,
  F32: codecs.f32,
  F64: codecs.f64,
  Char: codecs.char,
  Str: codecs.str,
  Bytes: codecs.bytes,
};

/** A service of a description. */
export class Description {
  readonly #service: DescribedService;
  readonly #others: (place: number) => Description;
  readonly #types = new Map<string, AnyCodec>();

  constructor(service: DescribedService, others: (place: number) => Description = () => this) {
    this.#service = service;
    this.#others = others;
  }

  /** How calls of a method travel. */
  method(method: DescribedMethod): Method {
    const streams = method.kind === "ServerStream" || method.kind === "Duplex";
    const unit = method.returns === "Unit" && !streams;
    return {
      path: method.path,
      key: BigInt(`0x${method.key}`),
      arguments: codecs.tuple(...method.arguments.map(({ format }) => this.codec(format))),
      returns: unit ? codecs.nothing : this.codec(method.returns),
      upload: method.upload ? this.codec(method.upload.format) : codecs.unit,
      fails: method.fails ? this.#error(method.fails) : undefined,
    };
  }

  /** How values of a shape travel. */
  codec(format: Format): AnyCodec {
    if (typeof format === "string") {
      return found(SCALARS[format], format);
    }
    if ("Option" in format) {
      const content = this.codec(format.Option) as Codec<unknown>;
      return this.#isNullable(format.Option) ? codecs.nestedOption(content) : codecs.option(content);
    }
    if ("Seq" in format) {
      return format.Seq === "U8" ? codecs.bytes : codecs.seq(this.codec(format.Seq));
    }
    if ("Array" in format) {
      const { content, size } = format.Array;
      return content === "U8" ? codecs.octets(size) : codecs.array(this.codec(content), size);
    }
    if ("Map" in format) {
      return codecs.map(this.codec(format.Map.key), this.codec(format.Map.value));
    }
    if ("Tuple" in format) {
      return codecs.tuple(...format.Tuple.map((part) => this.codec(part)));
    }
    if ("Text" in format) {
      return textOf(format.Text.name, format.Text.wire) ?? this.codec(format.Text.wire);
    }
    const { Named } = format;
    return this.#types.get(Named) ?? codecs.lazy(() => this.type(Named) as Codec<unknown>);
  }

  /** How values of a named type travel: always the same codec, by which errors are told apart. */
  type(key: string): AnyCodec {
    let codec = this.#types.get(key);
    if (codec === undefined) {
      const container = found(this.#service.types[key], key);
      if (container.of !== undefined) {
        return this.#others(container.of).type(key);
      }
      codec = this.#inside(container.kind, container.name.startsWith("Result<"));
      this.#types.set(key, codec);
    }
    return codec;
  }

  /** The class of callers of the service. Without a caller they stand on what `shared` gives. */
  client(shared: () => Caller): ClientClass {
    class Client {
      readonly [CALLER]: Caller;

      constructor(caller?: Caller) {
        this[CALLER] = caller ?? shared();
      }
    }
    for (const described of this.#service.methods) {
      const method = this.method(described);
      const count = described.arguments.length;
      const value = function (this: Client, ...given: unknown[]): unknown {
        const caller = this[CALLER];
        const args = Array.from({ length: count }, (_, index) => given[index]) as never;
        const options = given[count + (described.upload ? 1 : 0)] as CallOptions | undefined;
        const items = given[count] as Items<never>;
        switch (described.kind) {
          case "Unary":
            return caller.call(method, args, options);
          case "Oneway":
            return caller.notify(method, args, options);
          case "ServerStream":
            return caller.stream(method, args, options);
          case "ClientStream":
            return caller.upload(method, args, items, options);
          case "Duplex":
            return caller.duplex(method, args, items, options);
        }
      };
      Object.defineProperty(Client.prototype, described.name, { value });
    }
    return Client as unknown as ClientClass;
  }

  /** Makes of an object with a function for each method what a connection registers. */
  handler(): (handler: Record<string, (...given: unknown[]) => never>) => ServiceHandler {
    return (handler) => {
      const answers = this.#service.methods.map((described) => {
        const method = this.method(described);
        const name = described.name;
        const run = (args: readonly unknown[], ...behind: unknown[]): never =>
          found(handler[name], name).apply(handler, [...args, ...behind]);
        switch (described.kind) {
          case "ServerStream":
            return rpc.answerStream(method, run as never);
          case "ClientStream":
            return rpc.answerUpload(method, run as never);
          case "Duplex":
            return rpc.answerDuplex(method, run as never);
          default:
            return rpc.answer(method, run as never);
        }
      });
      return rpc.service(this.#service.name, answers);
    };
  }

  #error(format: Format): AnyCodec {
    return typeof format === "object" && "Named" in format ? this.type(format.Named) : this.codec(format);
  }

  #kind(key: string): Kind | undefined {
    const container = this.#service.types[key];
    return container?.of === undefined ? container?.kind : this.#others(container.of).#kind(key);
  }

  #inside(kind: Kind, isResult: boolean): AnyCodec {
    if (kind === "Unit") {
      return codecs.unit;
    }
    if ("Newtype" in kind) {
      return codecs.newtype(this.codec(kind.Newtype));
    }
    if ("Tuple" in kind) {
      return codecs.tuple(...kind.Tuple.map((part) => this.codec(part)));
    }
    if ("Struct" in kind) {
      return composites.struct<Record<string, unknown>>(this.#fields(kind.Struct));
    }
    const names = kind.Enum.map(({ name }) => name);
    const contents = kind.Enum.map((variant) => newtypeOf(variant.kind));
    const [ok, err] = contents;
    if (isResult && String(names) === "Ok,Err" && ok !== undefined && err !== undefined) {
      return composites.result(this.codec(ok), this.codec(err)) as AnyCodec;
    }
    if (kind.Enum.every((variant) => variant.kind === "Unit")) {
      return composites.literals(names);
    }
    return composites.union(kind.Enum.map((variant) => this.#variant(variant)));
  }

  #variant({ name, kind }: Variant): composites.Variant<{ kind: string }> {
    if (kind === "Unit") {
      return composites.bare(name);
    }
    if ("Struct" in kind && !kind.Struct.some((field) => field.name === "kind")) {
      return composites.fields<{ kind: string }>(name, this.#fields(kind.Struct));
    }
    const content = newtypeOf(kind);
    const codec = content === undefined ? this.#inside(kind, false) : this.codec(content);
    return composites.content(name, codec) as composites.Variant<{ kind: string }>;
  }

  #fields(fields: readonly Field[]): never[] {
    return fields.map((field) => {
      const missing = this.#missing(field);
      const entry = [field.name, this.codec(field.format)];
      return (missing === undefined ? entry : [...entry, missing]) as never;
    });
  }

  /** What stands for a field that is left out, if it may be. */
  #missing({ format, default: json }: Field): unknown {
    if (json === undefined || json === null) {
      return isOption(format) ? null : undefined;
    }
    return typeof format === "string" && LONG.includes(format)
      ? BigInt(json)
      : this.#valueOf(format, JSON.parse(json));
  }

  /** The value of a default in JSON; undefined if it has none here. */
  #valueOf(format: Format, json: unknown): unknown {
    if (typeof format === "string") {
      if (LONG.includes(format)) {
        return Number.isSafeInteger(json) ? BigInt(json as number) : undefined;
      }
      return typeof json === "object" ? undefined : json;
    }
    if ("Option" in format) {
      if (json === null) {
        return null;
      }
      const some = this.#valueOf(format.Option, json);
      return some !== undefined && this.#isNullable(format.Option) ? undefined : some;
    }
    if (Array.isArray(json)) {
      if ("Seq" in format && format.Seq === "U8") {
        return Uint8Array.from(json as number[]);
      }
      const values = "Seq" in format ? json.map((each) => this.#valueOf(format.Seq, each)) : [undefined];
      return values.includes(undefined) ? undefined : values;
    }
    if ("Map" in format) {
      return String(Object.keys(json as object)) === "" ? new Map() : undefined;
    }
    return "Named" in format ? this.#structOf(format.Named, json) : undefined;
  }

  #structOf(key: string, json: unknown): unknown {
    const kind = found(this.#kind(key), key);
    if (typeof kind === "object" && "Enum" in kind) {
      const plain = kind.Enum.every((variant) => variant.kind === "Unit");
      return plain && typeof json === "string" ? json : undefined;
    }
    if (typeof kind === "string" || !("Struct" in kind) || typeof json !== "object") {
      return undefined;
    }
    const values = kind.Struct.map((field) => [
      field.name,
      this.#valueOf(field.format, (json as Record<string, unknown>)[field.name]),
    ]);
    return values.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(values);
  }

  /** Whether one of the values is `null`, so that an option of them needs a form of its own. */
  #isNullable(format: Format): boolean {
    const seen = new Set<string>();
    for (let inner = format; ; ) {
      if (inner === "Unit" || isOption(inner)) {
        return true;
      }
      if (typeof inner === "string") {
        return false;
      }
      if ("Text" in inner && textOf(inner.Text.name, inner.Text.wire) === undefined) {
        inner = inner.Text.wire;
        continue;
      }
      const key = "Named" in inner ? inner.Named : undefined;
      const kind = key === undefined ? undefined : this.#kind(key);
      const content = kind === undefined ? undefined : newtypeOf(kind);
      if (key === undefined || content === undefined || seen.has(key)) {
        return kind === "Unit";
      }
      seen.add(key);
      inner = content;
    }
  }
}

function newtypeOf(kind: Kind): Format | undefined {
  return typeof kind === "object" && "Newtype" in kind ? kind.Newtype : undefined;
}

function isOption(format: Format): boolean {
  return typeof format === "object" && "Option" in format;
}

/** The codec of a type that is text for people, if its form on the wire is that. */
function textOf(name: string, wire: Format): AnyCodec | undefined {
  const form = JSON.stringify(wire);
  const octets = (size: number): string => JSON.stringify({ Array: { content: "U8", size } });
  const withPort = (size: number): string => `{"Tuple":[${octets(size)},"U16"]}`;
  const forms: Readonly<Record<string, string>> = {
    Ipv4Addr: octets(4),
    Ipv6Addr: octets(16),
    IpAddr: '{"Named":"core::net::IpAddr"}',
    SocketAddr: '{"Named":"core::net::SocketAddr"}',
    SocketAddrV4: withPort(4),
    SocketAddrV6: withPort(16),
  };
  return Object.hasOwn(forms, name) && forms[name] === form ? TEXTS[name] : undefined;
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) {
    throw new TypeError(`there is no ${name}`);
  }
  return value;
}
