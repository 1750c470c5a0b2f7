import { binaryFromText } from "../../git/ref/binary-string.ts";
import type { PaginationParameter } from "../../proto/shared_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

/** No stream is that long. */
const UNLIMITED = 0x7fffffff;

/** Which page of a list a request wants. */
export type PageParameters = Pick<PaginationParameter, "limit" | "pageToken">;

/** What to do with the next item of a list. */
export type PageStep = "skip" | "take" | "end";

/**
 * Cuts one page out of a list: after the item that the token names, as many as the limit says.
 *
 * Without parameters everything is on the page; a limit of 0 leaves nothing, a negative one is none.
 */
export class PageCutter {
  readonly #limit: number;
  /** A binary string. */
  readonly #token: string;
  #isTokenSeen: boolean;
  #taken = 0;

  constructor(parameters: PageParameters | undefined, token: string = parameters?.pageToken ?? "") {
    const limit = parameters?.limit ?? -1;
    this.#limit = limit < 0 ? UNLIMITED : limit;
    this.#token = binaryFromText(token);
    this.#isTokenSeen = token === "";
  }

  /** Whether nothing is on the page, whatever the list. */
  get isEmpty(): boolean {
    return this.#limit === 0;
  }

  /** Whether as many items were taken as fit on the page. */
  get isFull(): boolean {
    return this.#taken >= this.#limit;
  }

  /** Says what to do with the next item, given its name as a binary string. */
  step(name: string): PageStep {
    if (!this.#isTokenSeen) {
      this.#isTokenSeen = name === this.#token;
      return "skip";
    }
    if (this.isFull) return "end";
    this.#taken++;
    return "take";
  }

  /** To be called after the last item: fails when the token's item wasn't among them. */
  checkToken(): void {
    if (!this.#isTokenSeen) throw new PageTokenNotFoundError();
  }
}

/** Yields the items that are on the page; reads no further when it is full. */
export async function* itemsOnPage<Item>(
  items: AsyncIterable<Item>,
  page: PageCutter,
  nameOf: (item: Item) => string,
): AsyncGenerator<Item, void, undefined> {
  if (page.isEmpty) return;
  for await (const item of items) {
    if (page.step(nameOf(item)) === "take") yield item;
    if (page.isFull) return;
  }
}

/** As `itemsOnPage`, for items that come several at a time. */
export async function* batchesOnPage<Item>(
  batches: AsyncIterable<readonly Item[]>,
  page: PageCutter,
  nameOf: (item: Item) => string,
): AsyncGenerator<readonly Item[], void, undefined> {
  if (page.isEmpty) return;
  for await (const batch of batches) {
    yield batch.filter((item) => page.step(nameOf(item)) === "take");
    if (page.isFull) return;
  }
}

/** No item has the name that the page token says. */
export class PageTokenNotFoundError extends RpcError {
  constructor() {
    super("unknown", "could not find page token");
  }
}
