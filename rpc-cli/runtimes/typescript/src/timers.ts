// Timers and turns of the event loop, as every place that runs JavaScript has them.

/** A timer that was started. */
export type Timer = ReturnType<typeof setTimeout>;

/** The longest that a timer runs. */
export const MAX_TIMER = 2 ** 31 - 1;

interface Global {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel: new () => {
    readonly port1: { onmessage: (() => void) | null };
    readonly port2: { postMessage(message: number): void };
  };
}

const place = globalThis as unknown as Global;

/** Runs something when what runs now has run, and the promises that it has resolved. */
export const soon: (run: () => void) => void = place.setImmediate ?? turns();

/** Browsers make timers wait for milliseconds, and for a second in pages that nobody sees; messages they do not. */
function turns(): (run: () => void) => void {
  const { port1, port2 } = new place.MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = (): void => {
    waiting.shift()?.();
  };
  return (run) => {
    waiting.push(run);
    port2.postMessage(0);
  };
}

/** Lets the program end while a timer runs, where that is a question. */
export function unref(timer: Timer): void {
  (timer as { unref?: () => unknown }).unref?.();
}
