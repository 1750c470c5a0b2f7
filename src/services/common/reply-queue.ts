import { cancelled } from "../../rpc/rpc-error.ts";

interface Offer<Reply> {
  readonly reply: Reply;
  readonly taken: () => void;
  readonly refused: (reason: unknown) => void;
}

/**
 * Joins producers that push with a handler that is pulled: `put` settles when the reply has been
 * taken, so a slow client slows its producers down.
 */
export class ReplyQueue<Reply> {
  readonly #offers: Offer<Reply>[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  /** Offers a reply; settles when it has been taken, rejects when nobody takes replies any more. */
  put(reply: Reply): Promise<void> {
    return new Promise((taken, refused) => {
      if (this.#closed) return refused(gone());
      this.#offers.push({ reply, taken, refused });
      this.#wake?.();
    });
  }

  /**
   * Yields replies until `producers` settles, then what is left; a failure of the producers is
   * thrown after the replies that came before it.
   */
  async *drain(producers: Promise<unknown>): AsyncGenerator<Reply, void, undefined> {
    let settled = false;
    const finished = producers.finally(() => {
      settled = true;
      this.#wake?.();
    });
    finished.catch(() => undefined);
    try {
      for (;;) {
        const [offer] = this.#offers;
        if (offer !== undefined) {
          yield offer.reply;
          // Only now: whoever takes no more leaves this one to be refused as well.
          this.#offers.shift();
          offer.taken();
        } else if (settled) break;
        else await this.#untilOffered();
      }
      await finished;
    } finally {
      this.#closed = true;
      for (const { refused } of this.#offers.splice(0)) refused(gone());
    }
  }

  #untilOffered(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function gone(): Error {
  return cancelled("context canceled");
}
