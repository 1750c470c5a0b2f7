import assert from "node:assert/strict";
import { test } from "node:test";
import { IndexError_ErrorType as Type } from "../../proto/errors_pb.ts";
import {
  type UserCommitFilesActionHeader_ActionType as ActionType,
  UserCommitFilesErrorSchema,
} from "../../proto/operations_pb.ts";
import {
  type CommitFilesMessage,
  changeMode,
  commitAction,
  commitHeader,
  createFile,
  createFolder,
  deleteFile,
  moveFile,
  updateFile,
} from "../../testing/commit-actions.ts";
import {
  errorDetail,
  failureOf,
  type OperationServer,
  startOperationServer,
  TEST_USER,
} from "../../testing/operation-server.ts";
import type { ServedRepository } from "../../testing/test-server.ts";

/** Files by path: content, with `*` in front of executable ones. */
type Files = Readonly<Record<string, string>>;

interface Failure {
  readonly kind: string;
  readonly message: string;
  readonly path?: string;
  readonly type?: Type;
}

interface Step {
  readonly actions: readonly CommitFilesMessage[][];
  readonly expected: Files | Failure;
}

function step(expected: Files | Failure, ...actions: CommitFilesMessage[][]): Step {
  return { actions, expected };
}

function refused(kind: string, message: string, type: Type, path: string): Failure {
  return { kind, message, type, path };
}

const notFound = (path: string): Failure =>
  refused("not-found", "A file with this name doesn't exist", Type.FILE_NOT_FOUND, path);
const fileExists = (path: string): Failure =>
  refused("already-exists", "A file with this name already exists", Type.FILE_EXISTS, path);
const folderExists = (path: string): Failure =>
  refused(
    "already-exists",
    "A directory with this name already exists",
    Type.DIRECTORY_EXISTS,
    path,
  );
const traversal = (path: string): Failure =>
  refused(
    "invalid-argument",
    "Path cannot include directory traversal",
    Type.DIRECTORY_TRAVERSAL,
    path,
  );
const invalid = (path: string): Failure => ({
  kind: "internal",
  message: `invalid path: '${path}'`,
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const BASE64 = { isBase64: true };
const EXECUTABLE = { isExecutable: true };
const UNWRITABLE = { kind: "internal", message: "writing tree writing tree: exit status 128" };

const ONE = { "file-1": "one" };
const createOne = step(ONE, createFile("file-1", "one"));

const CASES: readonly (readonly [name: string, ...Step[]])[] = [
  [
    "a path that is git's own",
    step(invalid(".git/hooks/pre-commit"), createFile(".git/hooks/pre-commit", "x")),
  ],
  ["a folder that is git's own", step(invalid(".git"), createFolder(".git"))],
  ["a path below a folder that git refuses", step(UNWRITABLE, createFile("a/.git/config", "x"))],
  ["a folder", step({ "a/.gitkeep": "" }, createFolder("a"))],
  [
    "a folder with mode and content",
    step({ "a/.gitkeep": "" }, createFolder("a", "x", { ...EXECUTABLE, ...BASE64 })),
  ],
  ["a folder twice", step(folderExists("a"), createFolder("a"), createFolder("a"))],
  ["a folder outside", step(traversal("../a"), createFolder("../a"))],
  [
    "a folder that exists",
    step({ "a/.gitkeep": "" }, createFolder("a")),
    step(folderExists("a"), createFolder("a")),
  ],
  ["a folder in a file's place", createOne, step(fileExists("file-1"), createFolder("file-1"))],
  ["a file outside", step(traversal("../a"), createFile("../a", "x"))],
  [
    "two slashes",
    step(
      refused("invalid-argument", 'invalid path: "invalid://a"', Type.INVALID_PATH, "invalid://a"),
      createFile("invalid://a", "x"),
    ),
  ],
  [
    "no path",
    step(
      refused("invalid-argument", "You must provide a file path", Type.EMPTY_PATH, ""),
      createFile("", "x"),
    ),
  ],
  ["the tree itself", step(invalid("."), createFile("a/..", "x"))],
  ["a name that looks like a way out", step(invalid("..a"), createFile("..a", "x"))],
  ["a file without content", step({ "file-1": "" }, createFile("file-1"))],
  ["a file", createOne],
  ["a file in folders", step({ "a/b/a/b": "x" }, createFile("a/b/a/b", "x"))],
  ["a path with a slash in front", step({ "file-1": "x" }, createFile("/file-1", "x"))],
  ["a path with detours", step({ "b/c": "x" }, createFile("a/../b/./c/", "x"))],
  ["a file in base64", step({ a: "one" }, createFile("a", base64("one"), BASE64))],
  ["line ends", step({ a: "one\r\ntwo\r\n" }, createFile("a", "one\r\ntwo\r\n"))],
  ["an executable file", step({ a: "*x" }, createFile("a", "x", EXECUTABLE))],
  ["a file twice", step(fileExists("file-1"), createFile("file-1", "x"), createFile("file-1"))],
  ["a file in a folder's place", step({ a: "x" }, createFolder("a"), createFile("a", "x"))],
  ["a file below a file", createOne, step(UNWRITABLE, createFile("file-1/below", "x"))],
  [
    "an update of what was made",
    step({ a: "two" }, createFile("a", "one"), updateFile("a", "two")),
  ],
  [
    "an update in base64",
    step({ a: "two" }, createFile("a", "one"), updateFile("a", base64("two"), BASE64)),
  ],
  [
    "an update with a mode",
    step({ a: "two" }, createFile("a", "one"), updateFile("a", "two", EXECUTABLE)),
  ],
  ["an update", createOne, step({ "file-1": "two\r\n" }, updateFile("file-1", "two\r\n"))],
  ["an update of nothing", step(notFound("a"), updateFile("a", "x"))],
  ["a move from outside", step(traversal("../a"), moveFile("../a", "b"))],
  ["a move to the outside", step(traversal("../b"), moveFile("a", "../b"))],
  ["a move of what was made", step({ b: "x" }, createFile("a", "x"), moveFile("a", "b"))],
  ["a move of a folder", step(notFound("a"), createFolder("a"), moveFile("a", "b"))],
  ["a move", createOne, step({ "a/b": "one" }, moveFile("file-1", "a/b"))],
  ["a move of nothing", step(notFound("a"), moveFile("a", "b"))],
  [
    "a move onto a file",
    step(fileExists("b"), createFile("a"), createFile("b"), moveFile("a", "b")),
  ],
  [
    "a move onto a folder",
    step({ b: "x" }, createFile("a", "x"), createFolder("b"), moveFile("a", "b")),
  ],
  ["a move with content", createOne, step({ a: "two\r\n" }, moveFile("file-1", "a", "two\r\n"))],
  ["a move to no content", createOne, step({ a: "" }, moveFile("file-1", "a", ""))],
  [
    "a move keeps the mode",
    step({ b: "*x" }, createFile("a", "x", EXECUTABLE), moveFile("a", "b")),
  ],
  [
    "a move of what was moved",
    step(notFound("b"), createFile("a"), moveFile("a", "b"), moveFile("b", "c")),
  ],
  ["a mode of nothing", step(notFound("a"), changeMode("a", true))],
  ["a mode outside", step(traversal("../a"), changeMode("../a", true))],
  [
    "a mode",
    createOne,
    step({ "file-1": "*one" }, changeMode("file-1", true)),
    step({ "file-1": "*one" }, changeMode("file-1", true)),
    step(ONE, changeMode("file-1", false)),
  ],
  ["a mode of what was made", step({ a: "*x" }, createFile("a", "x"), changeMode("a", true))],
  ["a deletion of nothing", step(notFound("a"), deleteFile("a"))],
  ["a deletion outside", step(traversal("../a"), deleteFile("../a"))],
  ["a deletion of what was made", step({}, createFile("a", "x"), deleteFile("a"))],
  ["a deletion", createOne, step({}, deleteFile("file-1"))],
  [
    "a deletion of a folder's last file",
    step({ "a/b/c": "x", d: "x" }, createFile("a/b/c", "x"), createFile("d", "x")),
    step({ d: "x" }, deleteFile("a/b/c")),
  ],
  [
    "a deletion of a folder",
    step({ "a/b": "x", c: "x" }, createFile("a/b", "x"), createFile("c", "x")),
    step({ c: "x" }, deleteFile("a")),
  ],
  [
    "an unknown action",
    step(
      {
        kind: "invalid-argument",
        message: "NoMethodError: undefined method `downcase' for -1:Integer",
      },
      commitAction({ action: -1 as ActionType }),
    ),
  ],
  [
    "what is no base64",
    step(
      {
        kind: "internal",
        message: "write created blob: writing blob: illegal base64 data at input byte 4",
      },
      createFile("a", "abcd!efg", BASE64),
    ),
  ],
  [
    "base64 that is cut off",
    step(
      { kind: "internal", message: "write updated blob: writing blob: unexpected EOF" },
      updateFile("a", "abcde", BASE64),
    ),
  ],
  [
    "a NUL in a path",
    step(
      {
        kind: "internal",
        message:
          'write created blob: executing hash-object: detected null byte in command argument "a\\x00b"',
      },
      createFile("a\0b", "x"),
    ),
  ],
  [
    "NUL in the path of a folder",
    step(
      {
        kind: "internal",
        message:
          'performing action operations.createDirectory: executing hash-object: detected null byte in command argument "a\\x00b/.gitkeep"',
      },
      createFolder("a\0b"),
    ),
  ],
  [
    "content without an action",
    step(
      { kind: "internal", message: "content sent before action" },
      commitAction({}, "x").slice(1),
    ),
  ],
  [
    "a second header",
    step({ kind: "internal", message: "unhandled action payload type: <nil>" }, [commitHeader({})]),
  ],
  ["the first of two problems", step(notFound("a"), deleteFile("a"), createFile(".git", "x"))],
  ["a bad path after a bad action", step(traversal("../b"), deleteFile("a"), createFile("../b"))],
];

for (const format of ["sha1", "sha256"] as const) {
  test(`userCommitFiles does to files of ${format} what it is told`, async (t) => {
    const server = await startOperationServer(t);
    for (const [name, ...steps] of CASES) {
      const repository = server.repository({ format });
      for (const [index, { actions, expected }] of steps.entries()) {
        const call = commit(server, repository, actions.flat());
        if (isFailure(expected)) {
          await assertFailure(call, expected, name);
        } else {
          const { branchUpdate } = await call;
          assert.equal(branchUpdate?.branchCreated, index === 0, name);
          assert.equal(branchUpdate.repoCreated, index === 0, name);
          assert.equal(repository.gitLine(["rev-parse", "main"]), branchUpdate.commitId);
          assert.deepEqual(filesOf(repository), expected, name);
        }
      }
      repository.git(["fsck", "--strict"]);
    }
    assert.deepEqual(server.leftovers(), []);
  });
}

function commit(
  server: OperationServer,
  repository: ServedRepository,
  messages: readonly CommitFilesMessage[],
): ReturnType<OperationServer["operations"]["userCommitFiles"]> {
  const header = commitHeader({
    repository: server.address(repository),
    user: TEST_USER,
    branchName: Buffer.from("main"),
    commitMessage: Buffer.from("message"),
  });
  return server.operations.userCommitFiles([header, ...messages]);
}

function isFailure(expected: Files | Failure): expected is Failure {
  return "kind" in expected && "message" in expected;
}

async function assertFailure(
  call: Promise<unknown>,
  failure: Failure,
  name: string,
): Promise<void> {
  const { kind, message, path, type } = failure;
  const error = await failureOf(call);
  assert(error instanceof Error && "kind" in error, name);
  assert.deepEqual([error.kind, error.message], [kind, message], name);
  if (type === undefined) return;
  const detail = errorDetail(error, UserCommitFilesErrorSchema).error;
  assert(detail.case === "indexUpdate", name);
  assert.equal(detail.value.errorType, type, name);
  assert.equal(Buffer.from(detail.value.path).toString(), path, name);
}

function filesOf(repository: ServedRepository): Files {
  const lines = repository.gitLines(["ls-tree", "-r", "--format=%(objectmode) %(path)", "main"]);
  const files = lines.map((line) => [line.slice(0, 6), line.slice(7)] as const);
  return Object.fromEntries(
    files.map(([mode, path]) => {
      const content = repository.git(["cat-file", "blob", `main:${path}`]).toString();
      return [path, mode === "100755" ? `*${content}` : content];
    }),
  );
}
