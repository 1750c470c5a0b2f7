import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryService } from "../../proto/repository_pb.ts";
import { assertRepositoryErrors } from "../../testing/repository-errors.ts";
import { type ServedRepository, startTestServer } from "../../testing/test-server.ts";

function fixture({ git, gitLine }: ServedRepository): void {
  const input = "*.go diff=go text\n*.md text\n*.jpg -text\n";
  const blob = gitLine(["hash-object", "-w", "--stdin"], { input });
  const tree = gitLine(["mktree"], { input: `100644 blob ${blob}\t.gitattributes\n` });
  git(["update-ref", "refs/heads/main", gitLine(["commit-tree", tree, "-m", "message"])]);
}

const REVISION = Buffer.from("main");

test("getFileAttributes tells the attributes that files have", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  for (const format of ["sha1", "sha256"] as const) {
    const served = server.repository({ format });
    fixture(served);
    const ask = async (attributes: string[], paths: string[]): Promise<string[]> => {
      const request = { repository: served.address, revision: REVISION, attributes, paths };
      const { attributeInfos } = await client.getFileAttributes(request);
      return attributeInfos.map(({ path, attribute, value }) => `${path} ${attribute} ${value}`);
    };
    assert.deepEqual(await ask(["diff"], ["example.go"]), ["example.go diff go"]);
    assert.deepEqual(await ask(["diff"], ["example.txt"]), []);
    assert.deepEqual(await ask(["diff", "text", "text"], ["a.go", "ä/b.md", "c.jpg", "-d"]), [
      ...["a.go diff go", "a.go text set", "a.go text set"],
      ...["ä/b.md text set", "ä/b.md text set", "c.jpg text unset", "c.jpg text unset"],
    ]);
    const many = Array.from({ length: 20_000 }, (_, index) => `${index}.md`);
    assert.equal((await ask(["text", "diff"], many)).length, many.length);
  }
});

test("getFileAttributes fails where git does", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const served = server.repository();
  const { address: repository } = served;
  const fails = async (request: object, message: string): Promise<void> => {
    const usual = { repository, revision: REVISION, attributes: ["text"], paths: ["a"] };
    const call = client.getFileAttributes({ ...usual, ...request });
    await assert.rejects(call, { kind: "internal", message });
  };
  await fails({}, "check attr: read line: EOF");
  await fails({ revision: Buffer.from("-x") }, "check attr: read line: EOF");
  fixture(served);
  await fails({ paths: ["a", "b\0"] }, "check attr: path with NUL byte not allowed");
  await fails(
    { attributes: ["-a"] },
    "check attr: start check-attr command: positional arg \"-a\" cannot start with dash '-': invalid argument",
  );
});

test("getFileAttributes refuses incomplete requests", async (t) => {
  const server = await startTestServer(t);
  const client = server.client(RepositoryService);
  const { address: repository } = server.repository();
  const paths = ["a"];
  for (const [request, message] of [
    [{}, "revision is required"],
    [{ revision: REVISION }, "file paths are required"],
    [{ revision: REVISION, paths }, "attributes are required"],
  ] as const) {
    await assert.rejects(client.getFileAttributes({ repository, ...request }), {
      kind: "invalid-argument",
      message,
    });
  }
  await assertRepositoryErrors((address) =>
    client.getFileAttributes({ ...(address && { repository: address }) }),
  );
});
