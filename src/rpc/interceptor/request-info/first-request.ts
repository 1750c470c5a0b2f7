import type { Message } from "@bufbuild/protobuf";

/** Passes a stream of requests on and shows `look` the first of them before anybody gets it. */
export function lookAtFirst(
  requests: AsyncIterable<Message>,
  look: (request: Message) => void,
): AsyncIterable<Message> {
  return {
    [Symbol.asyncIterator]: () => {
      const source = requests[Symbol.asyncIterator]();
      let isFirst = true;
      const next = async (): Promise<IteratorResult<Message>> => {
        const result = await source.next();
        if (isFirst && result.done !== true) look(result.value);
        isFirst = false;
        return result;
      };
      return {
        next: () => (isFirst ? next() : source.next()),
        return: async (value?: unknown) => {
          await source.return?.(value);
          return { done: true, value: undefined };
        },
      };
    },
  };
}
