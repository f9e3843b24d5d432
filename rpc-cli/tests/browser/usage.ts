// What TypeScript makes of the declarations that a port serves.

import {
  AppError,
  Calculator,
  channel,
  Chat,
  chatEventsHandler,
  Clock,
  connect,
  type Item,
  type ItemStream,
  Kind,
  type Line,
  MathError,
  StatusError,
} from "./client.js";

const connection = await connect({ token: "secret" });
const calculator = new Calculator(connection);
const sum: bigint = await calculator.add(1n, 2);
// @ts-expect-error: a text is not a number
void calculator.add("1", 2n);
// @ts-expect-error: there is no such option
void calculator.add(1n, 2n, { timeOut: 5 });
const ticks: ItemStream<bigint> = new Clock().ticks(500n);
for await (const tick of ticks) console.log(tick + sum);
try {
  await calculator.div(1, 0, { timeout: 100, signal: AbortSignal.timeout(50) });
} catch (error) {
  if (AppError.is(error, MathError)) {
    const why: MathError = error.value;
    console.log(why.kind === "Overflow" ? why.operation : why.kind);
  } else if (error instanceof StatusError) {
    console.log(error.code === "UNAVAILABLE" && !error.mayHaveRun);
  }
}
const item: Item = { name: "box", kind: { kind: "Kit", parts: ["lid"] }, stock: new Map([["cellar", 1]]) };
const kind: Kind = item.kind;
// @ts-expect-error: it has no such variant
const wrong: Kind = { kind: "Nothing" };
const lines: Line[] = [];
const handler = chatEventsHandler({
  private(line, context) {
    lines.push(line);
    console.log(context.metadata.get("tenant"));
  },
});
const chat = new Chat(channel("wss://chat.example", { handlers: [handler], onState: (state) => console.log(state) }));
console.log(kind, wrong, chat);
