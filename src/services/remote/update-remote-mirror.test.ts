import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteService } from "../../proto/remote_pb.ts";
import { commitFiles } from "../../testing/commit-files.ts";
import { requireBasicAuth, startGitHttpServer } from "../../testing/git-http-server.ts";
import { createTestRepository, type TestRepository } from "../../testing/git-repository.ts";
import { startTestServer, type TestServer } from "../../testing/test-server.ts";

/** References and the histories they have: names of commits, oldest first. */
type Refs = Readonly<Record<string, readonly string[]>>;

interface Case {
  readonly source?: Refs;
  readonly mirror?: Refs;
  readonly keepDivergentRefs?: boolean;
  readonly onlyBranchesMatching?: readonly string[];
  /** The last commit of each reference of the mirror afterwards. */
  readonly expected: Readonly<Record<string, string>>;
  readonly divergent?: readonly string[];
}

const MAIN = "refs/heads/main";

const CASES: Readonly<Record<string, Case>> = {
  "an empty source takes nothing away": {
    mirror: { "refs/heads/x": ["1"] },
    expected: { "refs/heads/x": "1" },
  },
  "what is equal stays": {
    source: { [MAIN]: ["1"], "refs/tags/t": ["1"] },
    mirror: { [MAIN]: ["1"], "refs/tags/t": ["1"] },
    expected: { [MAIN]: "1", "refs/tags/t": "1" },
  },
  "what is new or outdated is pushed": {
    source: { [MAIN]: ["1", "2"], "refs/tags/t": ["1", "2"], "refs/heads/n": ["1"] },
    mirror: { [MAIN]: ["1"], "refs/tags/t": ["1"] },
    expected: { [MAIN]: "2", "refs/tags/t": "2", "refs/heads/n": "1" },
  },
  "what is gone here and merged goes": {
    source: { [MAIN]: ["1"] },
    mirror: { [MAIN]: ["1"], "refs/heads/b": ["1"], "refs/tags/t": ["1"] },
    expected: { [MAIN]: "1" },
  },
  "what isn't merged stays": {
    source: { [MAIN]: ["1"] },
    mirror: { [MAIN]: ["1"], "refs/heads/m": ["1"], "refs/heads/n": ["1", "2"] },
    expected: { [MAIN]: "1", "refs/heads/n": "2" },
  },
  "only chosen branches are pushed, and tags": {
    source: { [MAIN]: ["1"], "refs/heads/matched": ["1"], "refs/heads/not-matched": ["1"] },
    mirror: { "refs/tags/t": ["1"] },
    onlyBranchesMatching: ["matched"],
    expected: { "refs/heads/matched": "1" },
  },
  "an asterisk chooses many": {
    source: { [MAIN]: ["1"], "refs/heads/a.b": ["1"], "refs/heads/acb": ["1"] },
    onlyBranchesMatching: ["a.*", "m*n"],
    expected: { [MAIN]: "1", "refs/heads/a.b": "1" },
  },
  "only chosen branches are removed": {
    source: { [MAIN]: ["1"] },
    mirror: { [MAIN]: ["1"], "refs/heads/yes": ["1"], "refs/heads/no": ["1"] },
    onlyBranchesMatching: ["yes"],
    expected: { [MAIN]: "1", "refs/heads/no": "1" },
  },
  "what diverged and isn't chosen isn't told of": {
    source: { "refs/heads/m": ["1"], "refs/heads/d": ["1"] },
    mirror: { "refs/heads/m": ["1"], "refs/heads/d": ["2"] },
    onlyBranchesMatching: ["m"],
    keepDivergentRefs: true,
    expected: { "refs/heads/m": "1", "refs/heads/d": "2" },
  },
  "nothing is removed when what diverged is kept": {
    source: { [MAIN]: ["1"] },
    mirror: { [MAIN]: ["1"], "refs/heads/b": ["1"], "refs/tags/t": ["1"] },
    keepDivergentRefs: true,
    expected: { [MAIN]: "1", "refs/heads/b": "1", "refs/tags/t": "1" },
  },
  "what diverged is overwritten": {
    source: { "refs/heads/n": ["1", "2"], [MAIN]: ["3"], "refs/tags/t": ["1"] },
    mirror: { "refs/heads/n": ["1"], [MAIN]: ["3", "ahead"], "refs/tags/t": ["2"] },
    expected: { "refs/heads/n": "2", [MAIN]: "3", "refs/tags/t": "1" },
  },
  "what diverged is kept and told of": {
    source: { "refs/heads/n": ["1", "2"], [MAIN]: ["3"], "refs/tags/t": ["1"] },
    mirror: { "refs/heads/n": ["1"], [MAIN]: ["3", "ahead"], "refs/tags/t": ["2"] },
    keepDivergentRefs: true,
    divergent: [MAIN, "refs/tags/t"],
    expected: { "refs/heads/n": "2", [MAIN]: "ahead", "refs/tags/t": "2" },
  },
  "other references are none of its business": {
    source: { [MAIN]: ["1"], "refs/remote/x": ["1"] },
    mirror: { "refs/remote/y": ["1"] },
    expected: { [MAIN]: "1", "refs/remote/y": "1" },
  },
  "a merged branch makes room": {
    source: { [MAIN]: ["1"], "refs/heads/b": ["1", "2"] },
    mirror: { "refs/heads/b/c": ["1"] },
    expected: { [MAIN]: "1", "refs/heads/b": "2" },
  },
  "many references take several pushes": {
    source: Object.fromEntries([
      [MAIN, ["1"]],
      ...Array.from({ length: 21 }, (_, i) => [`refs/heads/b-${i}`, ["1"]]),
    ]),
    expected: Object.fromEntries([
      [MAIN, "1"],
      ...Array.from({ length: 21 }, (_, i) => [`refs/heads/b-${i}`, "1"]),
    ]),
  },
};

function fill(repository: TestRepository, refs: Refs = {}): Map<string, string> {
  const names = new Map<string, string>();
  for (const [ref, history] of Object.entries(refs)) {
    let parent: string | undefined;
    for (const name of history) {
      const parents = parent === undefined ? [] : [parent];
      parent = commitFiles(repository, { file: name }, parents, name);
      names.set(parent, name);
    }
    repository.git(["update-ref", ref, parent ?? ""]);
  }
  return names;
}

function heads({ gitLines }: TestRepository): Record<string, string> {
  const lines = gitLines(["for-each-ref", "--format=%(refname) %(contents:subject)"]);
  return Object.fromEntries(lines.map((line) => line.split(" ", 2)));
}

async function pair(server: TestServer, { source, mirror }: Pick<Case, "source" | "mirror">) {
  const [from, to] = [server.repository(), server.repository()];
  fill(from, source);
  fill(to, mirror);
  return { from, to };
}

test("updateRemoteMirror makes a mirror what it should be", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RemoteService);
  for (const [name, state] of Object.entries(CASES)) {
    await t.test(name, async () => {
      const { from, to } = await pair(server, state);
      const { divergentRefs } = await client.updateRemoteMirror([
        { repository: from.address, remote: { url: to.path }, ...pick(state) },
        // What diverges is chosen by the patterns of all messages.
        ...(state.onlyBranchesMatching ?? []).map((pattern) => ({
          onlyBranchesMatching: [Buffer.from(pattern)],
        })),
      ]);
      assert.deepEqual(
        divergentRefs.map((ref) => Buffer.from(ref).toString()),
        state.divergent ?? [],
      );
      assert.deepEqual(heads(to), state.expected);
    });
  }
});

function pick({ keepDivergentRefs = false }: Case): { keepDivergentRefs: boolean } {
  return { keepDivergentRefs };
}

test("updateRemoteMirror leaves symbolic references alone, on both sides", async (t) => {
  const server = await startTestServer(t);
  const { from, to } = await pair(server, { source: { [MAIN]: ["1"] }, mirror: { [MAIN]: ["1"] } });
  from.git(["symbolic-ref", "refs/heads/here", MAIN]);
  to.git(["symbolic-ref", "refs/heads/there", MAIN]);
  const request = { repository: from.address, remote: { url: to.path } };
  await server.client(RemoteService).updateRemoteMirror([request]);
  assert.deepEqual(heads(to), { [MAIN]: "1", "refs/heads/there": "1" });
});

test("updateRemoteMirror tells of at most a hundred divergent references", async (t) => {
  const server = await startTestServer(t);
  const refs = (commit: string): Refs =>
    Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`refs/heads/b-${i}`, [commit]]));
  const { from, to } = await pair(server, { source: refs("1"), mirror: refs("2") });
  const request = { repository: from.address, remote: { url: to.path }, keepDivergentRefs: true };
  const { divergentRefs } = await server.client(RemoteService).updateRemoteMirror([request]);
  assert.equal(divergentRefs.length, 100);
});

test("updateRemoteMirror pushes over HTTP with the caller's authorization", async (t) => {
  const server = await startTestServer(t);
  const { from } = await pair(server, { source: { [MAIN]: ["1"] } });
  const mirror = createTestRepository(t);
  const auth = requireBasicAuth("joe", "secret");
  const { url } = await startGitHttpServer(t, mirror.path, auth);
  const client = server.client(RemoteService);
  const repository = from.address;
  await assert.rejects(client.updateRemoteMirror([{ repository, remote: { url } }]), {
    kind: "internal",
    message:
      /^get remote references: create git ls-remote: exit status 128, stderr: "fatal: could not read Username for /,
  });
  const httpAuthorizationHeader = `Basic ${Buffer.from("joe:secret").toString("base64")}`;
  await client.updateRemoteMirror([{ repository, remote: { url, httpAuthorizationHeader } }]);
  assert.deepEqual(heads(mirror), { [MAIN]: "1" });
});

test("updateRemoteMirror says what is wrong", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RemoteService);
  const { from, to } = await pair(server, {
    source: { "refs/heads/b": ["1"] },
    mirror: { "refs/heads/b/c": ["2"] },
  });
  const repository = from.address;
  const refuses = async (
    requests: Parameters<typeof client.updateRemoteMirror>[0],
    kind: string,
    message: string | RegExp,
  ): Promise<void> => assert.rejects(client.updateRemoteMirror(requests), { kind, message });
  await refuses([], "internal", "receive first request: EOF");
  await refuses([{ remote: { url: "x" } }], "invalid-argument", "repository not set");
  await refuses([{ repository }], "invalid-argument", "missing Remote");
  await refuses([{ repository, remote: {} }], "invalid-argument", "remote is missing URL");
  const remote = { url: to.path };
  const pattern = Buffer.from("b.\xff*", "latin1");
  const other = { onlyBranchesMatching: [Buffer.from("c")] };
  await refuses(
    [{ repository, remote, onlyBranchesMatching: [Buffer.from("é*"), pattern] }, other],
    "internal",
    "create reference matcher: error parsing regexp: invalid UTF-8: `\ufffd.*|c)$`",
  );
  const sha256 = server.repository({ format: "sha256" });
  fill(sha256, { "refs/heads/b": ["1"] });
  await refuses(
    [{ repository, remote: { url: sha256.path }, keepDivergentRefs: true }],
    "internal",
    /^checking for ancestry: determine ancestry: exit status 128, stderr: "fatal: Not a valid object name [0-9a-f]{64}/,
  );
  await refuses([{ repository, remote }], "internal", /^push to mirror: git push: exit status 1, /);
  await refuses(
    [{ repository, remote: { ...remote, resolvedAddress: "foo" } }],
    "internal",
    "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address",
  );
  await refuses(
    [{ repository, remote: { url: "https://example.com", resolvedAddress: "foo" } }],
    "internal",
    "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address",
  );
});
