import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { smudgeEnvironment } from "../../gitlab/smudge-settings.ts";
import { FLUSH, pktLines } from "../../testing/pkt-lines.ts";
import { startTestGitlab } from "../../testing/test-gitlab.ts";
import { gitlabSettings } from "../../testing/test-settings.ts";
import { runLfsSmudgeProgram } from "./lfs-smudge-program.ts";
import { pointerOid } from "./smudge-pointer.ts";

const OID = "ab".repeat(32);
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize 18\n`;
const NO_TLS = { certificatePath: "", keyPath: "", key: "" };

async function run(environment: Record<string, string>, input: string | Buffer) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = Readable.from([Buffer.from(input)]);
  const texts = Promise.all([text(stdout), text(stderr)]);
  const status = await runLfsSmudgeProgram({ environment, stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  const [written, said] = await texts;
  return { status, stdout: written, stderr: said };
}

function variables(host: string, driver: "filter" | "process"): Record<string, string> {
  const gitlab = gitlabSettings({ url: `http://${host}`, secret: "secret" });
  return smudgeEnvironment({ glRepository: "project-1", gitlab, tls: NO_TLS, driver });
}

test("a filter replaces a pointer and lets everything else through", async (t) => {
  const { host } = await startTestGitlab(t, { body: "hello world" });
  const environment = variables(host, "filter");
  const done = { status: 0, stderr: "" };
  const mixed = `${POINTER}\nsomethingsomething\n`;
  const long = POINTER + "x".repeat(100_000);
  assert.deepEqual(await run(environment, POINTER), { ...done, stdout: "hello world" });
  for (const other of ["", "something", mixed, long]) {
    assert.deepEqual(await run(environment, other), { ...done, stdout: other });
  }
});

test("a filter finds its settings where older servers had them", async (t) => {
  const { host } = await startTestGitlab(t, { body: "hello world" });
  const gitlab = { url: `http://${host}`, http_settings: {}, secret: "secret" };
  const old = {
    GL_REPOSITORY: "project-1",
    GL_INTERNAL_CONFIG: JSON.stringify(gitlab),
    GITALY_TLS: "{}",
  };
  assert.equal((await run(old, POINTER)).stdout, "hello world");
  const { GL_INTERNAL_CONFIG, GITALY_TLS, ...repository } = old;
  const cases = [
    [{}, "error loading project: GL_REPOSITORY is not defined"],
    [{ ...repository, GITALY_TLS }, "unable to retrieve GL_INTERNAL_CONFIG"],
    [{ ...repository, GL_INTERNAL_CONFIG }, "unable to retrieve GITALY_TLS"],
  ] as const;
  for (const [environment, reason] of cases) {
    const { status, stderr } = await run(environment, POINTER);
    assert.deepEqual([status, stderr], [1, `gitaly-lfs-smudge: ${reason}\n`]);
  }
});

const HELLO = ["git-filter-client\n", "version=2\n", FLUSH];
const CAPABILITIES = ["capability=clean\n", "capability=smudge\n", FLUSH];

test("a process that doesn't hear what it expects ends", async (t) => {
  const { host } = await startTestGitlab(t, { body: "hello world" });
  const environment = variables(host, "process");
  const cases = [
    [["hello\n", FLUSH], "invalid client"],
    [["git-filter-client\n", "version=1\n", FLUSH], "client does not support version 2"],
    [[...HELLO, "capability=clean\n", FLUSH], "client does not support smudge capability"],
    [
      [...HELLO, ...CAPABILITIES, "command=clean\n"],
      'expected smudge command, got "command=clean"',
    ],
    [[...HELLO, ...CAPABILITIES, "command=smudge\n"], "unexpected termination"],
  ] as const;
  for (const [lines, reason] of cases) {
    const { status, stderr } = await run(environment, pktLines(...lines));
    assert.deepEqual([status, stderr], [1, `gitaly-lfs-smudge: ${reason}\n`]);
  }
});

test("pointers are read as Git LFS reads them", () => {
  const version = "version https://git-lfs.github.com/spec/v1\n";
  const extension = `ext-0-foo sha256:${OID}\n`;
  const rest = `oid sha256:${OID}\nsize 18\n`;
  for (const content of [version + rest, version + extension + rest, `${version}\n${rest}\n`]) {
    assert.equal(pointerOid(Buffer.from(content)), OID);
  }
  const wrong = [
    ...[rest, version, `${version}size 18\noid sha256:${OID}\n`, `${version}${rest}more yes\n`],
    ...[
      `${version}oid sha256:${OID}\nsize -1\n`,
      `version 1\n${rest}`,
      `${version}oid ${OID}\nsize 1`,
    ],
  ];
  for (const content of wrong) assert.equal(pointerOid(Buffer.from(content)), undefined, content);
});
