import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { startSession } from "./http2-session.ts";

test("a session may be ended before it has begun", async () => {
  const session = startSession("http://localhost", new PassThrough());
  const connected = once(session, "connect");
  session.destroy();
  await connected;
});
