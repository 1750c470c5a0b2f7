import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { GitCommand } from "../git-command.ts";
import type { GitDirectory } from "../git-directory.ts";
import { GitCommandError, type HooksChoice } from "../git-runner.ts";
import { type Argument, type CommandLineDefaults, createCommandLine } from "./command-line.ts";

const DIRECTORY: GitDirectory = { path: "/storage/a.git" };

function build(
  command: GitCommand,
  place: { readonly directory?: GitDirectory; readonly hooks?: HooksChoice } = {},
  changes: Partial<CommandLineDefaults> = {},
): Argument[] {
  const defaults = { globalConfig: [], adminConfig: [], cpuCount: 8, refFormat: undefined };
  const hooks = place.hooks;
  return createCommandLine({ ...defaults, ...changes })(place.directory, command, hooks);
}

/** Without `-c key=value`. */
function words(line: readonly Argument[]): Argument[] {
  return line.filter((argument, index) => argument !== "-c" && line[index - 1] !== "-c");
}

function settings(line: readonly Argument[]): string[] {
  return line.filter((_, index) => line[index - 1] === "-c").map(String);
}

suite("command line", () => {
  test("parts stand in git's order, paths behind a separator", () => {
    const line = build(
      {
        name: "log",
        flags: ["--oneline", ["-n", "5"], ["--author", Buffer.from([0xfe])]],
        args: ["HEAD"],
        paths: ["-x", Buffer.from([0xff])],
        literalPathspecs: true,
      },
      { directory: DIRECTORY },
    );
    assert.deepEqual(words(line), [
      "--git-dir",
      "/storage/a.git",
      "--literal-pathspecs",
      "log",
      "--oneline",
      "-n",
      "5",
      "--author",
      Buffer.from([0xfe]),
      "--end-of-options",
      "HEAD",
      "--",
      "-x",
      Buffer.from([0xff]),
    ]);
  });

  test("a verb follows the command, a worktree takes the git directory's place", () => {
    const directory = { ...DIRECTORY, worktree: "/storage/tree" };
    const line = build(
      { name: "remote", verb: "add", args: ["x", "u"] },
      { directory, hooks: "disabled" },
    );
    assert.deepEqual(words(line), ["-C", "/storage/tree", "remote", "add", "x", "u"]);
  });

  test("the end of options is left out where the command's own parser doesn't know it", () => {
    assert.deepEqual(words(build({ name: "rev-parse", args: ["HEAD"] })), ["rev-parse", "HEAD"]);
    assert.deepEqual(words(build({ name: "cat-file" })), ["cat-file", "--end-of-options"]);
  });

  test("settings go from the general to the special, the administrator's last", () => {
    const line = build(
      { name: "grep", config: [{ key: "grep.threads", value: "9" }] },
      { directory: { ...DIRECTORY, objectFormat: "sha256" } },
      {
        globalConfig: [{ key: "gc.auto", value: "0" }],
        adminConfig: [{ key: "grep.threads", value: "1" }],
      },
    );
    assert.deepEqual(settings(line), [
      "gc.auto=0",
      "grep.threads=3",
      "core.hooksPath=/dev/null",
      "grep.threads=9",
      "attr.tree=6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
      "grep.threads=1",
    ]);
  });

  test("attributes come from HEAD only for commands that show files", () => {
    const tree = (command: GitCommand, directory?: GitDirectory) =>
      settings(build(command, directory === undefined ? {} : { directory })).filter((setting) =>
        setting.startsWith("attr.tree="),
      );
    const sha1: GitDirectory = { ...DIRECTORY, objectFormat: "sha1" };
    assert.deepEqual(tree({ name: "diff" }, sha1), ["attr.tree=HEAD"]);
    assert.deepEqual(tree({ name: "grep" }, sha1), [
      "attr.tree=4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ]);
    assert.deepEqual(tree({ name: "grep" }, DIRECTORY), []);
    assert.deepEqual(tree({ name: "diff" }), []);
  });

  test("a command that may update refs has to say which hooks run", () => {
    const command: GitCommand = { name: "update-ref", flags: ["--stdin"] };
    const message = 'subcommand "update-ref": hook payload is required but not configured';
    assert.throws(() => build(command), new GitCommandError(message));
    for (const hooks of [{ hooksPath: "/run/hooks" }, "disabled"] as const) {
      const [path, ...configured] = settings(build(command, { hooks }));
      assert.equal(path, `core.hooksPath=${hooks === "disabled" ? "/dev/null" : hooks.hooksPath}`);
      assert.ok(configured.includes("hook.reference-transaction.enabled=false"));
    }
  });

  test("new repositories have refs in files unless the environment says otherwise", () => {
    const formatFlags = (refFormat: "files" | undefined) =>
      words(build({ name: "init", args: ["/x"] }, {}, { refFormat })).slice(1);
    assert.deepEqual(formatFlags("files"), ["--ref-format=files", "--end-of-options", "/x"]);
    assert.deepEqual(formatFlags(undefined), ["--end-of-options", "/x"]);
  });

  test("refuses what could turn into an option, in the reference server's words", () => {
    const refused = (command: GitCommand, message: string) =>
      assert.throws(() => build(command), new GitCommandError(message));
    refused(
      { name: "log", flags: ["HEAD"] },
      'flag "HEAD" failed regex validation: invalid argument',
    );
    refused({ name: "log", flags: ["--"] }, 'flag "--" failed regex validation: invalid argument');
    refused(
      { name: "log", flags: [["x", "1"]] },
      'value flag "x" failed regex validation: invalid argument',
    );
    refused(
      { name: "log", args: ["--output=/etc/passwd"] },
      "positional arg \"--output=/etc/passwd\" cannot start with dash '-': invalid argument",
    );
    refused({ name: "refs", verb: "-x" }, 'invalid action "-x": invalid argument');
    refused({ name: "log", args: ["a\0b"] }, 'detected null byte in command argument "a\\x00b"');
    refused({ name: "log", paths: ["\0"] }, 'detected null byte in command argument "\\x00"');
    refused(
      { name: "log", config: [{ key: "alias.log=!sh", value: "" }] },
      'invalid configuration key "alias.log=!sh": key: key "alias.log=!sh" cannot contain "="',
    );
    refused(
      { name: "log", config: [{ key: "nosection", value: "" }] },
      'invalid configuration key "nosection": key: key "nosection" must contain at least one section',
    );
  });

  test("rev-list takes pseudo revisions, and no other argument with a dash", () => {
    const args = ["--not", "--all", "--branches", "--glob=refs/heads/*", "HEAD"];
    assert.deepEqual(words(build({ name: "rev-list", args })), ["rev-list", ...args]);
    assert.throws(() => build({ name: "rev-list", args: ["--output=x"] }), {
      kind: "invalid-argument",
      message: "validating positional argument: revision can't start with '-'",
    });
    assert.throws(() => build({ name: "log", args: ["--all"] }), GitCommandError);
  });

  test("only listed subcommands run, whatever the object has inherited", () => {
    for (const name of ["daemon", "constructor", "__proto__", "-c", ""]) {
      const command: GitCommand = JSON.parse(JSON.stringify({ name }));
      assert.throws(() => build(command), GitCommandError);
    }
  });

  test("an argument never appears before the end of options, a path never before the separator", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.uint8Array()), (args, paths) => {
        let line: Argument[];
        try {
          line = build({ name: "diff", args, paths });
        } catch (error) {
          assert.ok(error instanceof GitCommandError);
          return;
        }
        const rest = words(line).slice(2);
        assert.deepEqual(rest, [...args, ...(paths.length === 0 ? [] : ["--", ...paths])]);
        assert.ok(args.every((argument) => !argument.startsWith("-") && !argument.includes("\0")));
      }),
    );
  });
});
