import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { FLUSH, pktLines } from "../../src/testing/pkt-lines.ts";
import { writeCommit } from "../../src/testing/test-commits.ts";
import {
  type ServedRepository,
  startTestServer,
  type TestServer,
} from "../../src/testing/test-server.ts";
import { GitClient } from "./git-client.ts";
import { addCommit, makeWorkTree } from "./work-tree.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/gitaly-ssh", import.meta.url));

/** Any; the server is told in the environment. */
const URL_OF_ANY = "git@localhost:test/test.git";

interface Told {
  readonly server: Pick<TestServer, "socketPath">;
  readonly repository: Pick<ServedRepository, "address">;
  /** More fields of the request. */
  readonly fields?: object;
}

/** The environment in which git uses `gitaly-ssh COMMAND` instead of ssh. */
function environment(
  command: string,
  { server, repository, fields }: Told,
): Record<string, string> {
  const request = { repository: { ...repository.address, glRepository: "project-1" }, ...fields };
  return {
    GITALY_ADDRESS: `unix:${server.socketPath}`,
    GITALY_PAYLOAD: JSON.stringify(request),
    GIT_SSH_COMMAND: `${PROGRAM} ${command}`,
  };
}

/** Runs the program itself. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input: Uint8Array = Buffer.alloc(0),
): Promise<{ status: number; stdout: Buffer; stderr: string }> {
  const child = spawn(PROGRAM, args, { env: { PATH: process.env["PATH"], ...env } });
  const exited = once(child, "close");
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
  const [status] = await exited;
  return { status: Number(status), stdout, stderr };
}

suite("gitaly-ssh", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(`lets git clone and push a repository of ${format}`, async (t) => {
      const server = await startTestServer(t);
      const repository = server.repository({ format });
      const folder = temporaryDirectory(t);
      const work = await makeWorkTree(join(folder, "work"), format);
      const pusher = { server, repository, fields: { glId: "user-1", glUsername: "ada" } };
      const pushing = work.with({ env: environment("receive-pack", pusher) });
      await pushing.run("push", "-q", URL_OF_ANY, "main", "side", "v1");
      const tip = await addCommit(pushing, "next");
      await pushing.run("push", "-q", URL_OF_ANY, "main");
      assert.equal(repository.gitLine(["rev-parse", "main"]), tip);

      for (const gitProtocol of ["", "version=2"]) {
        const told = { server, repository, fields: { gitProtocol } };
        const git = new GitClient({ cwd: folder, env: environment("upload-pack", told) });
        const clone = `clone${gitProtocol}`;
        await git.run("clone", "-q", URL_OF_ANY, clone);
        const cloned = new GitClient({ cwd: join(folder, clone) });
        assert.equal(await cloned.run("rev-parse", "HEAD"), tip);
      }

      const git = new GitClient({
        cwd: folder,
        env: environment("upload-archive", { server, repository }),
      });
      await git.run("archive", `--remote=${URL_OF_ANY}`, "-o", "remote.tar", "main");
    });
  }

  test("shows what is hidden from others", async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository();
    writeCommit(repository, { ref: "refs/heads/main" });
    repository.git(["config", "transfer.hideRefs", "refs/heads"]);
    const env = environment("upload-pack", { server, repository });
    const { stdout, status } = await run(["upload-pack", "x", "x"], env, pktLines(FLUSH));
    assert.equal(status, 0);
    assert.match(stdout.toString("latin1"), /refs\/heads\/main/);
  });

  test("ends as the remote command ends", async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository();
    const told = { server, repository, fields: { glId: "user-1" } };
    const garbage = pktLines("garbage");
    const { status, stderr } = await run(
      ["receive-pack", "x", "x"],
      environment("receive-pack", told),
      garbage,
    );
    assert.equal(status, 1);
    assert.match(stderr, /^fatal: protocol error: expected old\/new\/ref, got 'garbage'$/m);
    assert.match(
      stderr,
      /level=info msg="command returned error" command.name=receive-pack error="rpc error: code = Internal desc = cmd wait: exit status 128"/,
    );
  });

  test("says what is wrong with what it is told", async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository();
    const env = environment("upload-pack", { server, repository });
    const other = { address: { storageName: "foobar", relativePath: "a.git" } };
    const token = await startTestServer(t, {
      auth: { token: "secret", tokenFile: "", transitioning: false, resolvedToken: "secret" },
    });
    for (const [args, changes, said] of [
      [
        ["upload-pack"],
        {},
        'level=error msg="invalid number of arguments, expected at least 1, got 1"',
      ],
      [["x", "y", "z"], {}, 'level=error msg="invalid pack command: \\"x\\""'],
      [["upload-pack", "x", "x"], { GITALY_ADDRESS: "" }, "gitaly address can not be empty"],
      [["upload-pack", "x", "x"], { GITALY_PAYLOAD: "{" }, "json unmarshal: "],
      [["upload-pack", "x", "x"], { GITALY_WD: "/missing" }, "unable to chdir to /missing"],
      [["upload-pack", "x", "x"], { GITALY_ADDRESS: "unix:/missing" }, "code = Unavailable"],
      [
        ["upload-pack", "x", "x"],
        environment("upload-pack", { server, repository: other }),
        "rpc error: code = InvalidArgument desc = storage name not found",
      ],
      [
        ["upload-pack", "x", "x"],
        { GITALY_ADDRESS: `unix:${token.socketPath}` },
        "rpc error: code = Unauthenticated desc =",
      ],
      [
        ["upload-pack", "x", "x"],
        { GITALY_ADDRESS: `unix:${token.socketPath}`, GITALY_TOKEN: "wrong" },
        "rpc error: code = PermissionDenied desc = permission denied",
      ],
    ] as const) {
      const { status, stderr, stdout } = await run(args, { ...env, ...changes });
      assert.equal(status, 1, stderr);
      assert.ok(stderr.includes(said), stderr);
      assert.equal(stdout.length, 0);
    }
  });

  test("finds a socket from the folder that it is told", async (t) => {
    const server = await startTestServer(t);
    const repository = server.repository();
    const env = environment("upload-pack", { server, repository });
    const GITALY_WD = join(server.socketPath, "..");
    const { status } = await run(
      ["upload-pack", "x", "x"],
      { ...env, GITALY_WD, GITALY_ADDRESS: "unix:gitaly.socket" },
      pktLines(FLUSH),
    );
    assert.equal(status, 0);
  });
});
