import type { Channel } from "../../src/rpc/client/channel.ts";
import type { BenchRequest } from "./bench-case.ts";

/** Makes one call and returns the bytes of its replies. Throws a CallError when it fails. */
export async function callOnce(
  channel: Channel,
  { method, messages }: BenchRequest,
): Promise<Buffer[]> {
  const call = await channel.open(`/${method.parent.typeName}/${method.name}`, {});
  const [only] = messages;
  if (method.methodKind === "unary" || method.methodKind === "server_streaming") {
    if (only === undefined) throw new Error("a request without a message");
    call.sendOnly(only);
  } else {
    for (const message of messages) {
      if (!(await call.send({ start: message }))) break;
    }
    call.endSending();
  }
  const replies: Buffer[] = [];
  for (let reply = await call.receive(); reply !== undefined; reply = await call.receive()) {
    replies.push(reply);
  }
  return replies;
}
