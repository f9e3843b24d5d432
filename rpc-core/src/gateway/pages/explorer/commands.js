// A call as it is made elsewhere: by `rpc`, by `curl`, in TypeScript.

import { compact } from "./json.js";

/** Quotes a word for a shell. */
const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export function asRpc({ method, json, items, timeout, metadata }) {
  const address = `${location.protocol === "https:" ? "tls:" : ""}${location.host}`;
  const words = ["rpc", "call"];
  if (timeout) words.push("--timeout", `${timeout}ms`);
  for (const [key, value] of metadata) words.push("--header", quoted(`${key}=${value}`));
  words.push(quoted(address), quoted(method.path));
  const fields = Object.entries(json);
  if (fields.length > 0) words.push(quoted(compact(json)));
  const command = words.join(" ");
  return method.upload ? `printf '%s\\n' ${items.map((item) => quoted(compact(item))).join(" ")} | ${command}` : command;
}

export function asCurl({ method, json, items, timeout, metadata, token }) {
  const words = ["curl"];
  const streams = method.kind === "ServerStream" || method.kind === "Duplex";
  if (streams) words.push("-N", "-H", "'accept: application/x-ndjson'");
  if (timeout) words.push("-H", `'rpc-timeout-ms: ${timeout}'`);
  for (const [key, value] of metadata) words.push("-H", quoted(`rpc-meta-${key}: ${value}`));
  if (token) words.push("-H", `"authorization: Bearer $RPC_TOKEN"`);
  const url = quoted(`${location.origin}/${method.path}`);
  if (method.upload) {
    const lines = [json, ...items].map((line) => quoted(compact(line, "")));
    return `printf '%s\\n' ${lines.join(" ")} | ${words.join(" ")} -H 'content-type: application/x-ndjson' --data-binary @- ${url}`;
  }
  return `${words.join(" ")} -d ${quoted(compact(json, ""))} ${url}`;
}

export function asTypeScript({ service, method, values, timeout, metadata, itemValues }) {
  const given = values.map(literal);
  if (method.upload) given.push(`[${itemValues.map(literal).join(", ")}]`);
  const options = [];
  if (timeout) options.push(`timeout: ${timeout}`);
  if (metadata.length > 0) options.push(`metadata: { ${metadata.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(", ")} }`);
  if (options.length > 0) given.push(`{ ${options.join(", ")} }`);
  const call = `new ${service.name}().${camel(method.name)}(${given.join(", ")})`;
  const head = `import { ${service.name} } from "${location.origin}/client.js";\n\n`;
  const streams = method.kind === "ServerStream" || method.kind === "Duplex";
  return streams ? `${head}for await (const item of ${call}) console.log(item);\n` : `${head}console.log(await ${call});\n`;
}

const camel = (name) => name.replace(/^_+/, "").replace(/_+(.?)/g, (_, next) => next.toUpperCase());

/** A value of the run-time as source. */
function literal(value) {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `Uint8Array.of(${value.length > 64 ? "/* bytes of a file */" : [...value].join(", ")})`;
  if (value instanceof Map) return `new Map([${[...value].map(([key, each]) => `[${literal(key)}, ${literal(each)}]`).join(", ")}])`;
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, each]) => `${/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)}: ${literal(each)}`);
    return `{ ${fields.join(", ")} }`;
  }
  return JSON.stringify(value) ?? "undefined";
}
