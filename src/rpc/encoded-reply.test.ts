import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { silentLogger } from "../base/log/logger.ts";
import { FindAllTagsResponseSchema, ListRefsResponseSchema, RefService } from "../proto/ref_pb.ts";
import { type Channel, dial } from "./client/channel.ts";
import { createClient } from "./client/client.ts";
import { EncodedReply } from "./encoded-reply.ts";
import { type EncodingHandler, serve } from "./handler.ts";
import { listen } from "./listener/listener.ts";
import { GrpcServer } from "./server/grpc-server.ts";

type ListRefs = EncodingHandler<typeof RefService.method.listRefs>;

/** A server that answers ListRefs so. */
async function start(t: TestContext, listRefs: ListRefs): Promise<Channel> {
  const folder = await mkdtemp(join(tmpdir(), "encoded-reply-"));
  const path = join(folder, "socket");
  const server = new GrpcServer({
    services: [serve(RefService, { listRefs })],
    interceptors: [],
  });
  const onConnection = server.accept.bind(server);
  const listener = await listen({ kind: "unix", path }, { onConnection, log: silentLogger });
  const channel = dial(`unix:${path}`);
  t.after(async () => {
    await channel.close();
    await server.close(0);
    await listener.close();
    await rm(folder, { recursive: true });
  });
  return channel;
}

test("a stream may mix replies that are encoded already with others", async (t) => {
  const reference = (name: string) => ({ name: Buffer.from(name), target: "0".repeat(40) });
  const channel = await start(t, async function* () {
    yield { references: [reference("refs/heads/a")] };
    const second = create(ListRefsResponseSchema, { references: [reference("refs/heads/b")] });
    yield new EncodedReply(
      ListRefsResponseSchema,
      Buffer.from(toBinary(ListRefsResponseSchema, second)),
    );
    yield new EncodedReply(ListRefsResponseSchema, Buffer.alloc(0));
  });
  const names: string[][] = [];
  for await (const { references } of createClient(RefService, channel).listRefs({})) {
    names.push(references.map(({ name }) => Buffer.from(name).toString()));
  }
  assert.deepEqual(names, [["refs/heads/a"], ["refs/heads/b"], []]);
});

test("the reply of another method isn't sent", async (t) => {
  const wrong = new EncodedReply(FindAllTagsResponseSchema, Buffer.alloc(0));
  // @ts-expect-error The compiler sees it, too.
  const channel = await start(t, async function* () {
    yield wrong;
  });
  await assert.rejects(
    async () => {
      for await (const _ of createClient(RefService, channel).listRefs({}));
    },
    { kind: "internal" },
  );
});
