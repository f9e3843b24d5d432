// Stands for `answers.ts` in clients of servers that call nobody.

import type { ServiceHandler } from "../src/method.js";

export function service(name: string): ServiceHandler {
  return { service: name, answers: [] };
}

export function answer(): never {
  throw new TypeError("this client answers no calls");
}

export { answer as answerStream, answer as answerUpload, answer as answerDuplex };
