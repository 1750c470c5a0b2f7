import { internal } from "../../rpc/rpc-error.ts";

/** A client stream whose first message has been taken off. */
export interface OpenedStream<Request> {
  readonly first: Request;
  readonly rest: AsyncIterable<Request>;
}

/** Takes the first message of a stream, which says what the call is about. */
export async function takeFirst<Request>(
  requests: AsyncIterable<Request>,
): Promise<OpenedStream<Request>> {
  const iterator = requests[Symbol.asyncIterator]();
  const { done, value } = await iterator.next();
  if (done === true) throw internal("EOF");
  return { first: value, rest: { [Symbol.asyncIterator]: () => iterator } };
}
