// The items of a reply, as programs iterate them.

/** Items of a stream, in order. Ending the iteration early, as `break` does, cancels the call. */
export class ItemStream<T> implements AsyncIterableIterator<T> {
  readonly #pull: () => Promise<IteratorResult<T, undefined>>;
  readonly #cancel: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(pull: () => Promise<IteratorResult<T, undefined>>, cancel: () => void) {
    this.#pull = pull;
    this.#cancel = cancel;
  }

  /** The next item. Throws what the call failed with, once. */
  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#last.then(() => this.#step());
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** Wants no more: cancels the call, unless it has ended. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#over = true;
    this.#cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** All items that are left. */
  async toArray(): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this) {
      items.push(item);
    }
    return items;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(): Promise<IteratorResult<T, undefined>> {
    if (this.#over) {
      return { done: true, value: undefined };
    }
    try {
      const result = await this.#pull();
      this.#over = result.done === true;
      return result;
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }
}
