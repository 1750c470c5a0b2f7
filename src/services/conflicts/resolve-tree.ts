import { basename } from "node:path";
import type { Oid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import { TreeEditor } from "../../git/tree/tree-editor.ts";
import type { GitRunner } from "../../gitcmd/git-runner.ts";
import { internal, invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { FileWriter } from "../common/file-writer.ts";
import type { MergeConflictError } from "../common/merge-conflict.ts";
import type { Operation } from "../common/operation.ts";
import { readObject } from "../common/read-commit.ts";
import { findObject } from "../common/resolve-revision.ts";
import { replaceOids } from "./list-conflict-files.ts";
import type { Resolution } from "./parse-resolutions.ts";
import { resolveFile } from "./resolve-file.ts";

/** A merge with conflicts, and what the client makes of them. */
export interface TreeResolution {
  readonly conflict: MergeConflictError;
  readonly resolutions: readonly Resolution[];
  readonly ours: Oid;
  readonly theirs: Oid;
}

/** Puts resolved files into the tree of a merge. Returns the new tree, written to the quarantine. */
export async function resolveTree(
  git: GitRunner,
  operation: Operation,
  { conflict, resolutions, ours, theirs }: TreeResolution,
): Promise<Oid> {
  const { repository, quarantine } = operation;
  const unresolved = new Set(conflict.paths);
  const editor = new TreeEditor(repository.objects, conflict.tree);
  const files = new FileWriter(git, operation);
  for (const resolution of resolutions) {
    const path = resolution.newPath;
    if (!conflict.paths.includes(path)) {
      const problem = "undefined method `resolve_lines' for nil:NilClass";
      throw new RpcError("unknown", `NoMethodError: ${problem}`);
    }
    unresolved.delete(path);
    const content = await read(operation, findFile(editor, path));
    const given = { resolution, content, ours, theirs };
    checkChange(given, path);
    const ourContent = await readOurs(git, operation, ours, resolution.oldPath);
    const endsLine = ourContent.at(-1) === NEWLINE;
    const resolved = resolveFile({ content, path, ours, theirs }, resolution, endsLine);
    const oid = await write(files, path, resolved);
    editor.modify(path, (entry) => {
      entry.oid = oid;
    });
  }
  const [missing] = unresolved;
  if (missing !== undefined) {
    const problem = "Missing resolutions for the following files";
    throw new RpcError("unknown", `${problem}: ${textFromBinary(missing)}`);
  }
  return editor.write(quarantine.objects).catch((error) => {
    throw wrapError("internal", "write tree", error);
  });
}

const NEWLINE = 0x0a;

function findFile(editor: TreeEditor, path: string): Oid {
  const entry = editor.find(path);
  if (entry === undefined) throw internal("path not found in merged-tree: entry not found");
  const { type, oid } = entry;
  if (type === "blob" && oid !== undefined) return oid;
  throw internal("entry should be of type blob", { metadata: { path: textFromBinary(path) } });
}

async function read({ repository, options }: Operation, oid: Oid): Promise<Buffer> {
  const object = await readObject(repository.objects, oid, options.signal);
  if (object === undefined) throw internal("retrieving object: object not found");
  return object.content;
}

async function readOurs(
  git: GitRunner,
  operation: Operation,
  ours: Oid,
  path: string,
): Promise<Buffer> {
  const { repository, options } = operation;
  const ask = { git, gitCall: () => options };
  const oid = await findObject(repository, `${ours}:${path}`, ask).catch((error) => {
    throw wrapError("internal", "retrieving object", error);
  });
  if (oid === undefined) throw internal("retrieving object: object not found");
  return read(operation, oid);
}

interface GivenResolution {
  readonly resolution: Resolution;
  readonly content: Buffer;
  readonly ours: Oid;
  readonly theirs: Oid;
}

/** Refuses a resolution that gives back the conflict as it was shown. */
function checkChange({ resolution, content, ours, theirs }: GivenResolution, path: string): void {
  const { oldPath, newPath, content: text } = resolution;
  if (text === "") return;
  const shown = replaceOids(content, [ours, oldPath], [theirs, newPath]);
  if (!shown.equals(Buffer.from(text, "latin1"))) return;
  throw invalidArgument(`Resolved content has no changes for file ${textFromBinary(path)}`);
}

async function write(files: FileWriter, path: string, content: Buffer): Promise<Oid> {
  try {
    const file = files.begin(basename(path), { isBase64: false });
    await file.add(content);
    return await file.finish();
  } catch (error) {
    throw wrapError("internal", "writing blob", error);
  }
}
