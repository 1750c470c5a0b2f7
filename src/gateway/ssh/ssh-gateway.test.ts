import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import ssh2 from "ssh2";
import { DomainError } from "../../base/error/domain-error.ts";
import { silentLogger } from "../../base/log/logger.ts";
import { type TestBackend, testBackend } from "../../testing/test-backend.ts";
import { SshAccess } from "../access/ssh-access.ts";
import type { GitBackend } from "../backend/git-backend.ts";
import { generateKeyPair } from "./generate-key-pair.ts";
import { createSshGateway, type SshGatewayOptions } from "./ssh-gateway.ts";

const HOST_KEY = generateKeyPair("ed25519").private;

interface Started {
  readonly backend: TestBackend;
  readonly port: number;
}

async function start(
  t: TestContext,
  changes: Partial<GitBackend> = {},
  options: Partial<SshGatewayOptions> = {},
): Promise<Started> {
  const backend = testBackend(changes);
  const gateway = createSshGateway({
    backend,
    access: new SshAccess([]),
    storageName: "default",
    createOnPush: false,
    hostKeys: [HOST_KEY],
    logger: silentLogger,
    ...options,
  });
  gateway.listen(0, "127.0.0.1");
  await once(gateway, "listening");
  t.after(() => gateway.close());
  const address = gateway.address();
  return { backend, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

async function connect(t: TestContext, port: number, privateKey?: string): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  t.after(() => client.destroy());
  const ready = once(client, "ready");
  client.connect({ host: "127.0.0.1", port, username: "git", ...(privateKey && { privateKey }) });
  await ready;
  return client;
}

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as a git client does. */
async function run(client: ssh2.Client, command: string, input = ""): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<ssh2.ClientChannel>();
  const env = { GIT_PROTOCOL: "version=2" };
  client.exec(command, { env }, (error, opened) => (error ? reject(error) : resolve(opened)));
  const channel = await promise;
  let stdout = "";
  let stderr = "";
  channel.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  channel.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  channel.end(input);
  const [status] = await once(channel, "close");
  return { status: Number(status), stdout, stderr };
}

test("the SSH door runs git's commands, and hands on how they end", async (t) => {
  const { backend, port } = await start(t, {
    sshUploadArchive: async (_request, { errors }) => {
      errors.write("no archive\n");
      return 3;
    },
  });
  const client = await connect(t, port);
  const fetched = await run(client, "git-upload-pack '/a.git'", "wants");
  assert.deepEqual(fetched, { status: 0, stdout: "wants", stderr: "" });
  const pushed = await run(client, "git-receive-pack 'a'", "commands");
  assert.deepEqual(pushed, { status: 0, stdout: "commands", stderr: "" });
  const archived = await run(client, "git-upload-archive '/a.git'");
  assert.deepEqual(archived, { status: 3, stdout: "", stderr: "no archive\n" });
  assert.deepEqual(backend.asked, [
    "ssh upload-pack a.git user-anonymous",
    "ssh receive-pack a.git user-anonymous",
  ]);
});

test("the SSH door tells why a command could not be run", async (t) => {
  const failures = [new DomainError("not-found", "repository not found"), new Error("secret")];
  const { port } = await start(t, {
    sshUploadPack: async () => {
      throw failures.shift() ?? new Error("asked too often");
    },
  });
  const client = await connect(t, port);
  for (const [command, stderr] of [
    ["git-upload-pack '/a.git'", "remote: repository not found\n"],
    ["git-upload-pack '/a.git'", "remote: internal server error\n"],
    ["git-upload-pack '/../a.git'", "This is no git command for a repository.\n"],
    ["id", "This is no git command for a repository.\n"],
  ] as const) {
    assert.deepEqual(await run(client, command), { status: 128, stdout: "", stderr });
  }
});

test("the SSH door makes repositories for pushes, if it is told to", async (t) => {
  const { backend, port } = await start(t, {}, { createOnPush: true });
  await run(await connect(t, port), "git-receive-pack '/new.git'");
  const asked = ["exists new.git", "create new.git", "ssh receive-pack new.git user-anonymous"];
  assert.deepEqual(backend.asked, asked);
});

test("the SSH door admits holders of a key, and says who they are", async (t) => {
  const mine = generateKeyPair("ed25519", "ada");
  const other = generateKeyPair("ed25519");
  const { backend, port } = await start(t, {}, { access: new SshAccess([mine.public]) });
  await assert.rejects(connect(t, port), /authentication methods failed/);
  await assert.rejects(connect(t, port, other.private), /authentication methods failed/);
  await run(await connect(t, port, mine.private), "git-upload-pack 'a'");
  assert.deepEqual(backend.asked, ["ssh upload-pack a.git key-1"]);
});

test("the SSH door ends what it does for a client that has gone", async (t) => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const { port } = await start(t, {
    sshUploadPack: async ({ signal }, { output }) => {
      output.write("start");
      await once(signal, "abort");
      resolve();
      return 0;
    },
  });
  const client = await connect(t, port);
  client.exec("git-upload-pack 'a'", (_error, channel) => {
    channel.on("data", () => client.destroy());
  });
  await ended;
});
