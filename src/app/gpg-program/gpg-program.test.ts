import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { loadSigner } from "../../git/signing/commit-signer.ts";
import { createTestRepository, temporaryDirectory } from "../../testing/git-repository.ts";
import { openpgpKey } from "../../testing/openpgp-key.ts";
import { runGpgProgram } from "./gpg-program.ts";

const AUTHOR_DATE = "Tue Nov 14 2023 23:13:20 +0100";
const HELP = /^NAME:\n {3}gitaly-gpg [\s\S]*--status-fd int[\s\S]*--help, -h {7}show help\n$/;

async function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = { GIT_AUTHOR_DATE: AUTHOR_DATE },
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = Readable.from([Buffer.from("con"), Buffer.from("tent")]);
  const status = await runGpgProgram({ args, environment, stdin, stdout, stderr });
  stdout.end();
  stderr.end();
  return { status, stdout: await text(stdout), stderr: await text(stderr) };
}

function keyFile(t: TestContext, key: Uint8Array = openpgpKey()): string {
  const path = join(temporaryDirectory(t), "key");
  writeFileSync(path, key);
  return path;
}

test("gitaly-gpg signs what comes in", async (t) => {
  const path = keyFile(t);
  const signer = loadSigner({ signingKeyPath: path, rotatedSigningKeyPaths: [] });
  const signature = await signer?.sign(Buffer.from("content"), new Date(1_700_000_000_000));
  const expected = { status: 0, stdout: `${signature}`, stderr: "[GNUPG:] SIG_CREATED " };
  for (const args of [
    ["--status-fd=2", "-bsau", path],
    ["--status-fd", "2", path],
    ["--status-fd=2", path, "--verify"],
  ]) {
    assert.deepEqual(await run(args), expected);
  }
  const { status, stdout } = await run(["--status-fd=2", "-bsau", path], {});
  assert.equal(status, 0);
  const verifies = signer?.readVerifier();
  assert.equal(verifies?.(Buffer.from("content"), Buffer.from(stdout)), true);
});

test("gitaly-gpg explains why it has failed", async (t) => {
  const [path, locked] = [keyFile(t), keyFile(t, openpgpKey({ isLocked: true }))];
  const sign = ["--status-fd=2", "-bsau"];
  const cases: [string[], string, string?][] = [
    [["--verify", path], "expected --status-fd=2"],
    [["--status-fd=3", path], "expected --status-fd=2"],
    [["--", "--status-fd=2"], "expected --status-fd=2"],
    [sign, "reading signed key file  : open file: open : no such file or directory"],
    [
      [...sign, "/nonexistent"],
      "reading signed key file /nonexistent : open file: open /nonexistent: no such file or directory",
    ],
    [
      [...sign, locked],
      "creating signature: sign commit: openpgp: invalid argument: signing key is encrypted",
    ],
    [
      [...sign, path],
      'error parsing GIT_AUTHOR_DATE: parsing time "now" as "Mon Jan 02 2006 15:04:05 -0700": cannot parse "now" as "Mon"',
      "now",
    ],
  ];
  for (const [args, message, date = AUTHOR_DATE] of cases) {
    const { status, stdout, stderr } = await run(args, { GIT_AUTHOR_DATE: date });
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.equal(stderr.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, ""), `${message}\n`);
  }
});

test("gitaly-gpg explains its flags", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { status, stdout, stderr } = await run(args);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, HELP);
  }
  for (const [arg, problem] of [
    ["-x", "flag provided but not defined: -x"],
    ["--status-fd", "flag needs an argument: --status-fd"],
    [
      "--status-fd=x",
      'invalid value "x" for flag -status-fd: strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ] as const) {
    const { status, stdout, stderr } = await run([arg]);
    assert.equal(status, 1);
    assert.ok(stdout.startsWith(`Incorrect Usage: ${problem}\n\nNAME:`));
    assert.ok(stderr.endsWith(` ${problem}\n`));
  }
});

test("git signs commits with gitaly-gpg", (t) => {
  const path = keyFile(t);
  const repository = createTestRepository(t);
  const program = join(temporaryDirectory(t), "gpg");
  const main = join(import.meta.dirname, "../../bin/gitaly-gpg.ts");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
  const tree = repository.gitLine(["mktree"], { input: "" });
  const person = { NAME: "Somebody", EMAIL: "somebody@example.com", DATE: AUTHOR_DATE };
  const env = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((role) =>
      Object.entries(person).map(([key, value]) => [`GIT_${role}_${key}`, value]),
    ),
  );
  const args = ["-c", `gpg.program=${program}`, "commit-tree", tree, `-S${path}`, "-m", "subject"];
  const commit = repository.git(["cat-file", "commit", repository.gitLine(args, { env })]);
  assert.match(commit.toString(), /\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n /);
  const [, headers = "", message = ""] =
    /^([\s\S]*?\n)gpgsig [\s\S]*?-----END.*\n([\s\S]*)$/.exec(`${commit}`) ?? [];
  const signature = /gpgsig ([\s\S]*?END PGP SIGNATURE-----)/.exec(`${commit}`)?.[1] ?? "";
  const verifies = loadSigner({ signingKeyPath: path, rotatedSigningKeyPaths: [] })?.readVerifier();
  const own = Buffer.from(signature.replaceAll("\n ", "\n"));
  assert.equal(verifies?.(Buffer.from(headers + message), own), true);
  const refused = spawnSync(program, [], { input: "" });
  assert.equal(refused.status, 1);
});
