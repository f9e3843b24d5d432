// The items of a reply, as programs iterate them.

/** Cancels calls whose streams nobody has any more: the other side would send to nobody. */
const dropped = new FinalizationRegistry<() => void>((cancel) => {
  cancel();
});

/** Items of a stream, in order. Ending the iteration early, as `break` does, cancels the call. */
export class ItemStream<T> implements AsyncIterableIterator<T> {
  readonly #pull: () => Promise<IteratorResult<T, undefined>>;
  readonly #cancel: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(pull: () => Promise<IteratorResult<T, undefined>>, cancel: () => void) {
    this.#pull = pull;
    this.#cancel = cancel;
    dropped.register(this, cancel, this);
  }

  /** The next item. Throws what the call failed with, once. */
  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#last.then(() => this.#step());
    this.#last = next.catch(() => undefined);
    return next;
  }

  /** Wants no more: cancels the call, unless it has ended. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#end();
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

  /** Wants no more, where `await using` ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
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
      if (result.done === true) {
        this.#end();
      }
      return result;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#over = true;
    dropped.unregister(this);
  }
}
