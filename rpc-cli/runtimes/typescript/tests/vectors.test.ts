// The run-time against the golden vectors that all languages share.

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";

import { ProtocolError } from "../src/errors.js";
import { concat, KINDS, PREFACE } from "../src/frames.js";
import { DEFAULT_LIMITS, encodeHello } from "../src/hello.js";
import { Protocol } from "../src/protocol.js";
import { cut, describe, encode, hex, read } from "./vectors.js";

const frames = [...read("frames.txt"), ...read("session.txt")];
const refused = read("refused.txt");

void test("every frame decodes to its meaning", () => {
  ok(frames.length > 90, `only ${String(frames.length)} vectors were found`);
  for (const { name, bytes, means } of frames) {
    // The text is each side's own.
    const cutOff = name === "error_unknown_origin" ? / message=.*/ : /$^/;
    const found = describe(bytes, means.includes(" part="));
    // This side knows no sessions, and passes over what a hello says of them.
    const known = means.replace(/ (session=\S+ proof=\S+ received|refused)=\S+/, "");
    equal(found.replace(cutOff, ""), known.replace(/ within=\d+/, " within").replace(cutOff, ""), name);
  }
});

void test("every meaning encodes to its bytes", () => {
  let written = 0;
  for (const { name, bytes, means, decodeOnly } of frames) {
    // This side announces no feature and asks for no credit with a request.
    if (!decodeOnly && !means.includes(" features=") && !means.includes(" credit=")) {
      equal(hex(encode(means)), hex(bytes), name || means);
      written += 1;
    }
  }
  ok(written > 60, `only ${String(written)} were written`);
});

void test("every kind has a vector", () => {
  const kinds = frames.filter(({ bytes }) => Buffer.compare(bytes, PREFACE) !== 0).map(({ bytes }) => cut(bytes).kind);
  deepEqual([...new Set(kinds)].sort((one, other) => one - other), KINDS.map(({ number }) => number));
});

void test("every refused vector ends the connection", () => {
  ok(refused.length > 50);
  const greeting = concat([PREFACE, encodeHello(DEFAULT_LIMITS, "peer")]);
  const hooks = { ready: () => undefined, request: () => undefined, wake: () => undefined, wakeSoon: () => undefined, now: () => 0 };
  for (const { name, bytes } of refused) {
    const own = hex(bytes).startsWith(hex(PREFACE.subarray(0, 4)));
    const all = own ? bytes : concat([greeting, bytes]);
    for (const step of [all.length, 1]) {
      const protocol = new Protocol(DEFAULT_LIMITS, hooks);
      throws(
        () => {
          for (let at = 0; at < all.length; at += step) {
            protocol.receive(all.slice(at, at + step));
          }
        },
        ProtocolError,
        `${name} in steps of ${String(step)}`,
      );
    }
  }
});
