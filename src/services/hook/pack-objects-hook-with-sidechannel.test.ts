import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import { parseSideband } from "../../git/pkt-line/sideband.ts";
import { HookService, PackObjectsHookWithSidechannelRequestSchema } from "../../proto/hook_pb.ts";
import { RepositoryLocator } from "../../storage/locator/repository-locator.ts";
import {
  createTestRepository,
  type TestRepository,
  temporaryDirectory,
} from "../../testing/git-repository.ts";
import { testCall } from "../../testing/server-call.ts";
import { startTestGitRunner } from "../../testing/test-git-runner.ts";
import { hooksPayloadVariable } from "../../testing/test-hook-service.ts";
import { type TestPackObjectsOptions, testPackObjects } from "../../testing/test-pack-objects.ts";
import { testPushContext } from "../../testing/test-push-context.ts";
import { packObjectsHookWithSidechannel } from "./pack-objects-hook-with-sidechannel.ts";

const ARGS = ["pack-objects", "--revs", "--thin", "--stdout", "--progress", "--delta-base-offset"];

/** Bytes that can't be compressed, the same each time: more than a socket takes unread. */
function noise(): Buffer {
  const words = new Uint32Array(1_000_000);
  let state = 1;
  for (let i = 0; i < words.length; i += 1) {
    // Xorshift, see Marsaglia 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer);
}

/** A repository with two commits, the newer one with a large file. */
function twoCommits(t: TestContext, format: "sha1" | "sha256" = "sha1") {
  const repository = createTestRepository(t, { format });
  const blob = repository.gitLine(["hash-object", "-w", "--stdin"], { input: noise() });
  const tree = repository.gitLine(["mktree"], { input: `100644 blob ${blob}\tlarge\n` });
  const empty = repository.gitLine(["mktree"], { input: "" });
  const first = repository.gitLine(["commit-tree", "-m", "one", empty]);
  const second = repository.gitLine(["commit-tree", "-m", "two", "-p", first, tree]);
  return { repository, first, second };
}

interface Asked {
  readonly args?: readonly string[];
  readonly address?: { readonly storageName: string; readonly relativePath: string };
  readonly environmentVariables?: string[];
  /** What the hook does on the connection; without it there is none. */
  readonly talk?: (socket: Socket) => Promise<unknown>;
  readonly path?: string;
  readonly packs?: TestPackObjectsOptions;
}

async function ask(t: TestContext, repository: TestRepository, asked: Asked) {
  const path = asked.path ?? join(temporaryDirectory(t), "sidechannel");
  const { talk } = asked;
  const talking = talk === undefined ? Promise.resolve() : listen(t, path).then(talk);
  const context = testPushContext(repository);
  const { storageName, relativePath, storagePath } = context.repository;
  const needs = {
    locator: new RepositoryLocator(new Map([[storageName, storagePath]])),
    packObjects: testPackObjects(await startTestGitRunner(t), asked.packs),
  };
  const request = create(PackObjectsHookWithSidechannelRequestSchema, {
    repository: asked.address ?? { storageName, relativePath },
    args: [...(asked.args ?? ARGS)],
    environmentVariables: asked.environmentVariables ?? [hooksPayloadVariable(context)],
  });
  const metadata = { "gitaly-sidechannel-socket": path };
  const method = HookService.method.packObjectsHookWithSidechannel;
  const call = testCall(method, { signal: t.signal, metadata });
  const [reply, said] = await Promise.allSettled([
    packObjectsHookWithSidechannel(needs)(request, call),
    talking,
  ]);
  if (reply.status === "rejected") throw reply.reason;
  assert.equal(said.status, "fulfilled");
  return call.logFields;
}

async function listen(t: TestContext, path: string): Promise<Socket> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(path);
  t.after(() => server.close());
  const [socket] = await once(server, "connection");
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

/** Asks for objects as upload-pack does, and returns what comes back on each band. */
async function exchange(socket: Socket, input: string) {
  socket.end(input);
  const parser = new PktLineParser();
  const bands = { 1: [] as Buffer[], 2: [] as Buffer[], 3: [] as Buffer[] };
  parser.push(await buffer(socket));
  for (let line = parser.next(); line !== undefined; line = parser.next()) {
    assert.equal(line.kind, "data");
    if (line.kind !== "data") continue;
    const { band, data } = parseSideband(line.data);
    bands[band].push(data);
  }
  return { pack: Buffer.concat(bands[1]), progress: Buffer.concat(bands[2]).toString() };
}

for (const format of ["sha1", "sha256"] as const) {
  test(`packObjectsHookWithSidechannel sends the pack that was asked for, ${format}`, async (t) => {
    const { repository, second } = twoCommits(t, format);
    const target = createTestRepository(t, { format });
    const logFields = await ask(t, repository, {
      talk: async (socket) => {
        const { pack, progress } = await exchange(socket, `${second}\n--not\n\n`);
        assert.match(progress, /Total 5 /);
        target.git(["index-pack", "--stdin", "--strict"], { input: pack });
      },
    });
    assert.equal(target.gitLines(["rev-list", "--objects", second]).length, 5);
    assert.match(String(logFields["pack_objects.compression_statistics"]), /^Total 5 [^\n]*$/);
    assert.ok(Number(logFields["pack_objects_cache.served_bytes"]) > 1000);
  });
}

test("packObjectsHookWithSidechannel makes shallow packs", async (t) => {
  const { repository, first, second } = twoCommits(t);
  const target = createTestRepository(t);
  await ask(t, repository, {
    args: ["--shallow-file", "", ...ARGS, "--shallow", "--include-tag"],
    talk: async (socket) => {
      const input = `--shallow ${second}\n${second}\n--not\n\n`;
      const { pack } = await exchange(socket, input);
      target.git(["index-pack", "--stdin"], { input: pack });
    },
  });
  assert.equal(target.gitLine(["cat-file", "-t", second]), "commit");
  assert.throws(() => target.git(["cat-file", "-e", first]));
});

const REFUSALS: readonly [readonly string[], string][] = [
  [[], "[]: missing pack-objects"],
  [["rm", "-rf"], "[rm -rf]: missing pack-objects"],
  [
    ["--shallow-file", "z", "pack-objects"],
    "[--shallow-file z pack-objects]: missing pack-objects",
  ],
  [["-c", "a=b", "pack-objects"], "[-c a=b pack-objects]: missing pack-objects"],
  [["pack-objects", "--foo", "x"], "[pack-objects --foo x]: non-flag argument"],
  [["pack-objects", "--revs"], "[pack-objects --revs]: missing --stdout"],
];

for (const [args, reason] of REFUSALS) {
  test(`packObjectsHookWithSidechannel refuses ${reason}`, async (t) => {
    await assert.rejects(ask(t, createTestRepository(t), { args }), {
      kind: "invalid-argument",
      message: `invalid pack-objects command: ${reason}`,
    });
  });
}

test("packObjectsHookWithSidechannel refuses requests that say too little", async (t) => {
  const repository = createTestRepository(t);
  await assert.rejects(ask(t, repository, { address: { storageName: "", relativePath: "" } }), {
    kind: "invalid-argument",
    message: "repository not set",
  });
  for (const path of ["", "/tmp/other"]) {
    await assert.rejects(ask(t, repository, { path }), {
      kind: "invalid-argument",
      message: `invalid side channel address: "${path}"`,
    });
  }
  const path = join(dirname(repository.path), "sidechannel");
  await assert.rejects(ask(t, repository, { path }), {
    kind: "internal",
    message: `get side-channel: dial unix ${path}: connect: no such file or directory`,
  });
  const talk = async (socket: Socket) => buffer(socket);
  await assert.rejects(ask(t, repository, { talk, environmentVariables: [] }), {
    kind: "internal",
    message: "hook payload from env: no hooks payload found in environment",
  });
});

test("packObjectsHookWithSidechannel says why git fails", async (t) => {
  const talk = (socket: Socket) => exchange(socket, "nothing\n");
  await assert.rejects(ask(t, createTestRepository(t), { talk }), (error) => {
    assert.match(
      String(error),
      /: pack objects hook: git-pack-objects: stderr: "fatal: bad revision 'nothing'\\n" err: exit status 128$/,
    );
    return true;
  });
});

test("packObjectsHookWithSidechannel is cancelled when the hook hangs up", async (t) => {
  const { repository, second } = twoCommits(t);
  for (const talk of [
    async (socket: Socket) => {
      socket.end(`${second}\n--not\n\n`);
      await once(socket, "readable");
      socket.destroy();
    },
    async (socket: Socket) => {
      socket.write(`${second}\n--not\n\n`, () => socket.destroy());
    },
  ]) {
    await assert.rejects(ask(t, repository, { talk }), {
      kind: "cancelled",
      message: "pack objects hook: broken pipe",
    });
  }
});
