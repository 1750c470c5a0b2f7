import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { temporaryDirectory } from "../../src/testing/git-repository.ts";
import { startForge } from "./forge.ts";
import type { GitClient } from "./git-client.ts";
import { makeWorkTree } from "./work-tree.ts";

const TOKENS = `
[[token]]
username = "ada"
token = "correct horse"
`;

suite("who is admitted", () => {
  test("over HTTP: holders of a token only, once there is one", async (t) => {
    const forge = await startForge(t, TOKENS);
    const folder = temporaryDirectory(t);
    const work = await makeWorkTree(join(folder, "work"), "sha1");
    const url = (credentials: string): string =>
      `${forge.http.replace("://", `://${credentials}`)}/project.git`;
    for (const credentials of ["", "ada:wrong@", "ada:@", "correct@"]) {
      const { status, stderr } = await work.attempt("push", url(credentials), "main");
      assert.notEqual(status, 0, credentials);
      assert.match(stderr, /Authentication failed|could not read (Username|Password)/);
    }
    const bearer = (token: string): string => `http.extraHeader=Authorization: Bearer ${token}`;
    const secret = "correct%20horse";
    await work.run("push", "-q", url(`ada:${secret}@`), "main");
    await work.run("push", "-q", url(`oauth2:${secret}@`), "main:two");
    const refused = await work.with({ config: [bearer("wrong")] }).attempt("ls-remote", url(""));
    assert.notEqual(refused.status, 0);
    const refs = await work.run("ls-remote", "--heads", url(`x:${secret}@`));
    assert.equal(refs.split("\n").length, 2);
  });

  test("over SSH: holders of an authorized key only, once there is one", async (t) => {
    const folder = temporaryDirectory(t);
    const keys = ["mine", "other"].map((name) => join(folder, name));
    for (const key of keys) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", key]);
    }
    const [mine = "", other = ""] = keys;
    const publicKey = readFileSync(`${mine}.pub`, "utf8").trim();
    const forge = await startForge(t, `authorized_keys = ["${publicKey}"]\n`);
    const work = await makeWorkTree(join(folder, "work"), "sha1");
    const withKey = (path: string): GitClient =>
      work.with({
        env: {
          GIT_SSH_COMMAND: [
            `ssh -F none -i ${path} -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR`,
            "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
          ].join(" "),
        },
      });
    const url = `${forge.ssh}/project.git`;
    for (const client of [work, withKey(other)]) {
      const { status, stderr } = await client.attempt("push", url, "main");
      assert.notEqual(status, 0);
      assert.match(stderr, /Permission denied/);
    }
    await withKey(mine).run("push", "-q", url, "main");
    // The HTTP door is another matter: without a token it stays open to whoever reaches it.
    await work.run("ls-remote", `${forge.http}/project.git`);
  });

  test("SSH runs nothing but git's commands", async (t) => {
    const forge = await startForge(t);
    const { hostname, port } = new URL(forge.ssh);
    const options = "-F none -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR".split(
      " ",
    );
    for (const command of [
      ["id"],
      ["git-upload-pack '/a.git'; id"],
      ["git upload-pack --help"],
      [],
    ]) {
      assert.throws(
        () =>
          execFileSync(
            "ssh",
            [
              ...options,
              "-o",
              "UserKnownHostsFile=/dev/null",
              "-p",
              port,
              `git@${hostname}`,
              ...command,
            ],
            { stdio: "pipe" },
          ),
        /no git command|Only git commands/,
      );
    }
  });
});
