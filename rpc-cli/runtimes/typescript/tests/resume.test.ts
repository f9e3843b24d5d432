// Connections that outlive their transports, against a scripted other side and the golden vectors of sessions.

import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";

import { concat, encodeGoaway, Kind, PREFACE } from "../src/frames.js";
import { DEFAULT_LIMITS, encodeHello } from "../src/hello.js";
import { extension } from "../src/resume.js";
import { Session } from "../src/session.js";
import { acknowledgement, entryOf, Ground, pings, until, vector } from "./ground.js";
import { hex } from "./vectors.js";

void test("proofs are those of the protocol", async () => {
  const session = new Session(entryOf(vector("hello_session")), 1 << 20);
  equal(hex(await session.entry(0, 1000)), hex(entryOf(vector("hello_resume"))));
  equal(await session.judge(entryOf(vector("hello_resumed")), 1000), 2000);
  equal(await session.judge(entryOf(vector("hello_resumed")), 1001), undefined);
  equal(await session.judge(entryOf(vector("hello_resume")), 1000), undefined);
  equal(await session.judge(undefined, 1000), undefined);
});

void test("frames about the session are those of the protocol", () => {
  equal(hex(acknowledgement(1000)), hex(vector("acknowledgement")));
  equal(hex(extension(2)), hex(vector("leave")));
  const session = new Session(entryOf(vector("hello_session")), 1 << 20);
  session.received = 1000;
  equal(hex(session.acknowledgement()), hex(vector("acknowledgement")));
});

void test("a cut connection goes on in the middle of a frame, both ways, and again", async () => {
  const ground = new Ground();
  const greeting = ground.begin();
  match(hex(greeting), /0a080001000000000000000?$/, "the feature is asked for");
  const [own, theirs] = [pings(2400), pings(1008)];
  ground.transport.send(own);
  // The other side's 1,000th byte is in the middle of a frame.
  ground.line.events.received(theirs.slice(0, 1000));
  deepEqual(ground.came, new Uint8Array(theirs.subarray(0, 1000)));
  ground.line.events.closed("reset");
  equal(ground.transport.isCut, true);

  const asked = await ground.next();
  equal(hex(entryOf(asked)), hex(entryOf(vector("hello_resume"))));
  const answer = concat([PREFACE, vector("hello_resumed"), theirs.subarray(1000)]);
  // Cut once more before the answer is whole.
  ground.line.events.received(answer.slice(0, answer.length - 40));
  ground.line.events.closed("reset");
  const again = await ground.next();
  equal(hex(again), hex(asked));
  ground.line.events.received(answer);
  await until(() => ground.line.given.length > again.length);
  equal(hex(ground.line.given.subarray(again.length)), hex(own.subarray(2000)));
  deepEqual(ground.came, new Uint8Array(theirs));
  equal(ground.transport.isCut, false);
  equal(ground.closed, undefined);
});

void test("a line that is cut while its answer is judged is none to go on over", async () => {
  const ground = new Ground();
  ground.begin();
  const own = pings(2400);
  ground.transport.send(own);
  ground.line.events.received(pings(1000));
  ground.line.events.closed("reset");
  const answer = concat([PREFACE, vector("hello_resumed")]);
  await ground.next();
  const cut = ground.line;
  cut.events.received(answer);
  cut.events.closed("reset");
  const asked = await ground.next();
  equal(ground.transport.isCut, true);
  equal(cut.given.length, asked.length, "nothing is sent over the former");
  ground.line.events.received(answer);
  await until(() => ground.line.given.length > asked.length);
  equal(hex(ground.line.given.subarray(asked.length)), hex(own.subarray(2000)));
});

void test("what has come is acknowledged each 64 KiB, and soon after the last byte", async () => {
  const ground = new Ground();
  const greeting = ground.begin();
  ground.line.events.received(pings(65_536));
  const at = greeting.length;
  equal(hex(ground.line.given.subarray(at)), hex(acknowledgement(65_536)));
  ground.line.events.received(pings(16));
  await until(() => ground.line.given.length > at + 18);
  equal(hex(ground.line.given.subarray(at + 18)), hex(acknowledgement(65_552)));
  // What only acknowledges is not acknowledged in its turn.
  ground.line.events.received(acknowledgement(18));
  const { given } = ground.line;
  await new Promise((resolve) => setTimeout(resolve, 400));
  equal(ground.line.given.length, given.length);
  equal(ground.came.length, 65_552, "and goes no further");
});

void test("a journal that is full stops what is sent, and goes on when that has arrived", () => {
  const ground = new Ground({ journal: 1 });
  ground.begin();
  // At least 256 KiB.
  equal(ground.transport.send(pings(262_128)), true);
  equal(ground.transport.send(pings(16)), false);
  equal(ground.drained, 0);
  ground.line.events.received(acknowledgement(16));
  equal(ground.drained, 1);
});

void test("a refusal is a loss, in the words of the other side", async () => {
  const ground = new Ground();
  ground.begin();
  ground.line.events.closed("reset");
  await ground.next();
  ground.line.events.received(concat([PREFACE, vector("hello_not_resumed")]));
  await until(() => ground.closed !== undefined);
  equal(ground.closed, "not resumed: the server does not know it");
  equal(ground.line.isOver, true);
});

void test("whoever does not prove to be the server is not told anything", async () => {
  const ground = new Ground();
  ground.begin();
  ground.transport.send(pings(160));
  ground.line.events.closed("reset");
  const asked = await ground.next();
  const wrong = new Uint8Array(concat([PREFACE, vector("hello_resumed")]));
  wrong.set([(wrong.at(-20) ?? 0) ^ 1], wrong.length - 20);
  ground.line.events.received(wrong);
  await until(() => ground.closed !== undefined);
  match(ground.closed ?? "", /^not resumed/);
  equal(ground.line.given.length, asked.length);
});

void test("nobody there for the whole window is a loss", async () => {
  const ground = new Ground({ window: 60 });
  ground.begin();
  ground.line.events.closed("reset");
  await until(() => {
    if (!ground.line.isOver && ground.lines.length > 1) {
      ground.line.events.closed("refused");
    }
    return ground.closed !== undefined;
  });
  equal(ground.closed, "not resumed: reset; no other came in 60 ms");
});

void test("a connection that closes leaves when all has arrived", () => {
  const ground = new Ground();
  const greeting = ground.begin();
  const goodbye = encodeGoaway(0, 0, "");
  ground.transport.send(goodbye);
  ground.transport.close();
  equal(ground.line.isOver, false);
  ground.line.events.received(acknowledgement(goodbye.length));
  equal(hex(ground.line.given.subarray(greeting.length + goodbye.length)), hex(vector("leave")));
  equal(ground.line.isOver, true);
});

void test("who has left is not waited for, nor who has said that a rule was broken", () => {
  for (const last of [vector("leave"), encodeGoaway(1, 0, "")]) {
    const ground = new Ground();
    ground.begin();
    ground.line.events.received(last);
    ground.line.events.closed();
    equal(ground.closed, "");
    equal(ground.lines.length, 1);
  }
});

void test("a server that offers no session is served as without", () => {
  const ground = new Ground();
  ground.line.events.opened();
  ground.transport.send(concat([PREFACE, encodeHello(DEFAULT_LIMITS)]));
  const theirs = concat([PREFACE, encodeHello(DEFAULT_LIMITS), acknowledgement(5)]);
  ground.line.events.received(theirs);
  deepEqual(ground.came, new Uint8Array(theirs));
  ground.line.events.closed("reset");
  equal(ground.closed, "reset");
});

void test("who gives up while another line is asked gives that up as well", async () => {
  const ground = new Ground();
  ground.begin();
  ground.line.events.closed("reset");
  await ground.next();
  equal(ground.line.isOver, false);
  ground.transport.abandon();
  equal(ground.line.isOver, true);
});

void test("a frame that is longer than any about a connection is not kept here", () => {
  const ground = new Ground();
  ground.begin();
  const begun = Uint8Array.of(1, 16, 0, Kind.extension, 0, 0, 0, 0, 99, 0);
  ground.line.events.received(begun);
  deepEqual(ground.came, begun);
});
