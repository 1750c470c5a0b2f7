import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { createClient } from "../../rpc/client/client.ts";
import { startTestServer } from "../../testing/test-server.ts";
import { ServerChannels } from "./server-channels.ts";

test("ServerChannels keeps one channel for each server and token", async (t) => {
  const server = await startTestServer(t);
  const address = `unix:${server.socketPath}`;
  await using channels = new ServerChannels();
  const channel = channels.channel({ address, token: "" });
  assert.equal(channels.channel({ address, token: "" }), channel);
  assert.notEqual(channels.channel({ address, token: "secret" }), channel);
  const { address: repository } = server.repository();
  const client = createClient(RepositoryService, channel);
  assert.equal((await client.repositoryExists({ repository })).exists, true);
});

test("ServerChannels forgets what was used longest ago", async () => {
  await using channels = new ServerChannels();
  const at = (index: number) => ({ address: `unix:/nowhere/${index}`, token: "" });
  const first = channels.channel(at(0));
  const second = channels.channel(at(1));
  for (let index = 2; index < 100; index++) channels.channel(at(index));
  assert.equal(channels.channel(at(0)), first);
  channels.channel(at(100));
  assert.equal(channels.channel(at(0)), first);
  assert.notEqual(channels.channel(at(1)), second);
});

test("ServerChannels refuses what is no address", async () => {
  await using channels = new ServerChannels();
  assert.throws(() => channels.channel({ address: "", token: "" }), {
    message: "address is empty",
  });
  assert.throws(() => channels.channel({ address: "nonsense", token: "" }), {
    message: /^could not dial source: invalid connection string/,
  });
});
