import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { DomainError } from "../../src/base/error/domain-error.ts";
import { PktLineEncoder } from "../../src/git/pkt-line/pkt-line-encoder.ts";
import { HookService } from "../../src/proto/hook_pb.ts";
import { RepositoryService } from "../../src/proto/repository_pb.ts";
import { SmartHTTPService } from "../../src/proto/smarthttp_pb.ts";
import { SSHService } from "../../src/proto/ssh_pb.ts";
import { startTestServer, TEST_STORAGE, type TestServer } from "../../src/testing/test-server.ts";

const place = (relativePath: string): { storageName: string; relativePath: string } => ({
  storageName: TEST_STORAGE,
  relativePath,
});

async function rejection(promise: Promise<unknown>): Promise<DomainError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error("the call has succeeded");
}

async function stillServes(server: TestServer): Promise<void> {
  const { address } = server.repository();
  const client = server.client(RepositoryService);
  assert.equal((await client.repositoryExists({ repository: address })).exists, true);
}

/** Opens a raw connection to the server's socket. */
async function rawConnection(server: TestServer): Promise<Socket> {
  const socket = connect(server.socketPath);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

suite("hostile input", () => {
  test("paths that leave the storage or name no repository", async (t) => {
    const server = await startTestServer(t);
    const client = server.client(RepositoryService);
    mkdirSync(join(server.storagePath, "folder"));
    writeFileSync(join(server.storagePath, "file"), "");
    symlinkSync("/etc", join(server.storagePath, "link"));
    for (const [relativePath, kind] of [
      ["../outside.git", "invalid-argument"],
      ["a/../../outside.git", "invalid-argument"],
      ["missing.git", "not-found"],
      ["/etc", "not-found"],
      ["folder", "failed-precondition"],
      ["link", "failed-precondition"],
      ["file", "invalid-argument"],
      ["nul\0.git", "invalid-argument"],
      ["-rf", "not-found"],
      ["", "invalid-argument"],
    ] as const) {
      const request = { repository: place(relativePath) };
      const error = await rejection(client.getConfig(request).next());
      assert.equal(error.kind, kind, relativePath);
      assert.doesNotMatch(error.message, /\.ts|node:/);
    }
    const unknown = { repository: { storageName: "other", relativePath: "a.git" } };
    assert.equal((await rejection(client.getConfig(unknown).next())).kind, "invalid-argument");
  });

  test("messages that are too large or no messages", async (t) => {
    const server = await startTestServer(t);
    const client = server.client(RepositoryService);
    const repository = { ...place("a.git"), glProjectPath: "x".repeat(5 * 1024 * 1024) };
    const error = await rejection(client.repositoryExists({ repository }));
    assert.equal(error.kind, "resource-exhausted");
    await stillServes(server);
  });

  test("handshakes of garbage, and connections that say nothing", async (t) => {
    const server = await startTestServer(t);
    const silent = await rawConnection(server);
    t.after(() => silent.destroy());
    for (const bytes of [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "backchannelGARBAGE GARBAGE GARBAGE",
      "backchannel\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
      "backchanneX",
      "\0".repeat(100),
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(200)}`,
    ]) {
      const socket = await rawConnection(server);
      const closed = once(socket, "close");
      socket.resume().end(Buffer.from(bytes, "latin1"));
      await closed;
    }
    const half = await rawConnection(server);
    half.write("backchan");
    t.after(() => half.destroy());
    await stillServes(server);
  });

  test("packs that lie, are cut short, or come with names that git refuses", async (t) => {
    const server = await startTestServer(t);
    const client = server.client(SmartHTTPService);
    const repository = server.repository();
    const zero = "0".repeat(40);
    const tip = "1".repeat(40);
    const command = (ref: string): Buffer =>
      new PktLineEncoder().line(`${zero} ${tip} ${ref}\0report-status`).flush().take();
    const header = (objects: number): Buffer => {
      const bytes = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1");
      bytes.writeUInt32BE(objects, 8);
      return bytes;
    };
    for (const [ref, pack] of [
      ["refs/heads/lie", header(4_000_000_000)],
      ["refs/heads/cut", header(1)],
      ["refs/heads/none", Buffer.alloc(0)],
      ["refs/heads/noise", Buffer.from("not a pack at all, but some text instead of it")],
      ["refs/heads/a..b", header(0)],
      ["-refs/heads/x", header(0)],
      ["HEAD", header(0)],
    ] as const) {
      const requests = [
        { repository: { ...repository.address, glRepository: "project-1" }, glId: "user-1" },
        { data: Buffer.concat([command(ref), pack]) },
      ];
      let answer = "";
      try {
        for await (const { data } of client.postReceivePack(requests)) {
          answer += Buffer.from(data).toString("latin1");
        }
      } catch (error) {
        assert.ok(error instanceof DomainError);
        assert.equal(error.kind, "failed-precondition", ref);
      }
      assert.doesNotMatch(answer, /ok refs/, ref);
      assert.equal(repository.gitLine(["for-each-ref"]), "", ref);
      const left = readdirSync(join(repository.path, "objects")).filter(
        (name) => name !== "info" && name !== "pack",
      );
      assert.deepEqual(left, [], ref);
    }
    await stillServes(server);
  });

  test("negotiations that are no negotiation", async (t) => {
    const server = await startTestServer(t);
    const { address } = server.repository();
    const client = server.client(SSHService);
    for (const stdin of ["", "garbage", "ffff", "0003", "0032want -rf\n"]) {
      const requests = [{ repository: address }, { stdin: Buffer.from(stdin) }];
      const error = await rejection(
        (async () => {
          for await (const _reply of client.sSHUploadArchive(requests));
        })(),
      );
      assert.equal(error.kind, "internal", stdin);
    }
    await stillServes(server);
  });

  test("a hook that comes from nowhere", async (t) => {
    const server = await startTestServer(t);
    const client = server.client(HookService);
    for (const environmentVariables of [[], ["GITALY_HOOKS_PAYLOAD=%%%"]]) {
      const requests = [{ repository: place("a.git"), environmentVariables }];
      const error = await rejection(client.preReceiveHook(requests).next());
      assert.ok(["internal", "invalid-argument", "not-found"].includes(error.kind), error.kind);
    }
    await stillServes(server);
  });
});
