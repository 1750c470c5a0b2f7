import type { Message } from "@bufbuild/protobuf";
import {
  type ConcurrencyLimiter,
  LimitReachedError,
} from "../../../base/limit/concurrency-limiter.ts";
import type { ServerCall } from "../../call.ts";
import type { Interceptor } from "../interceptor.ts";
import type { MethodCatalog } from "../request-info/method-catalog.ts";
import { isIdentified, limitRefusal } from "./limit-refusal.ts";
import type { RpcLimits } from "./rpc-limits.ts";

/**
 * Lets only so many calls of an RPC run at once for one repository.
 *
 * A call takes its place with its first request and keeps it until it has ended. Those that find
 * no place are refused with RESOURCE_EXHAUSTED and a LimitError, when the queue is full or has
 * taken too long.
 */
export function limitConcurrency(limits: RpcLimits, catalog: MethodCatalog): Interceptor {
  return (call, next) => {
    const limiter = limits.find(call.fullMethod, isIdentified(call));
    if (limiter === undefined) return next();
    const place = new Place(call, limiter, catalog);
    return place.hold(next);
  };
}

/** What a call has of its limiter. */
class Place {
  readonly #call: ServerCall;
  readonly #limiter: ConcurrencyLimiter;
  readonly #catalog: MethodCatalog;
  #leave: () => void = () => undefined;
  #hasEnded = false;

  constructor(call: ServerCall, limiter: ConcurrencyLimiter, catalog: MethodCatalog) {
    this.#call = call;
    this.#limiter = limiter;
    this.#catalog = catalog;
  }

  async hold(next: () => Promise<void>): Promise<void> {
    const call = this.#call;
    try {
      if (call.request === undefined) call.requests = this.#enterWithFirst(call.requests);
      else await this.#enter(call.request);
      await next();
    } finally {
      this.#hasEnded = true;
      this.#leave();
    }
  }

  #enterWithFirst(requests: AsyncIterable<Message>): AsyncIterable<Message> {
    return {
      [Symbol.asyncIterator]: () => {
        const source = requests[Symbol.asyncIterator]();
        let isFirst = true;
        const first = async (): Promise<IteratorResult<Message>> => {
          const result = await source.next();
          if (isFirst && result.done !== true) {
            isFirst = false;
            await this.#enter(result.value);
          }
          return result;
        };
        return {
          next: () => (isFirst ? first() : source.next()),
          return: async (value?: unknown) => {
            await source.return?.(value);
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  async #enter(request: Message): Promise<void> {
    const { method, signal, logFields: fields } = this.#call;
    const key = this.#catalog.get(method).targetRepository(request)?.relativePath ?? "";
    if (key === "") return;
    try {
      const leave = await this.#limiter.enter(key, { signal, fields });
      // A handler may have ended without waiting for its first request.
      if (this.#hasEnded) leave();
      else this.#leave = leave;
    } catch (error) {
      throw error instanceof LimitReachedError ? limitRefusal(error) : error;
    }
  }
}
