// Stands for `dispatch.ts` in clients of servers that call nobody.

import type { ServiceHandler } from "../src/method.js";

export class Dispatcher {
  register(handler: ServiceHandler): void {
    throw new TypeError(`this client answers no calls, and so none of ${handler.service}`);
  }

  handle(): void {
    // Nothing comes.
  }
}
