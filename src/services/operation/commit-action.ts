import { posix } from "node:path";
import type { Oid } from "../../git/oid/oid.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";
import { TreeEditError } from "../../git/tree/tree-edit-error.ts";
import type { TreeEditor } from "../../git/tree/tree-editor.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";
import { IndexError } from "./index-error.ts";

/** A change to be made to a tree. Paths are binary strings. */
export type CommitAction =
  | {
      readonly kind: "create";
      readonly path: string;
      readonly oid: Oid;
      readonly isExecutable: boolean;
    }
  | { readonly kind: "create folder"; readonly path: string }
  | { readonly kind: "update"; readonly path: string; readonly oid: Oid }
  | {
      readonly kind: "move";
      readonly path: string;
      readonly newPath: string;
      /** Undefined keeps the content. */
      readonly oid: Oid | undefined;
    }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "change mode"; readonly path: string; readonly isExecutable: boolean };

const FILE_MODE = 0o100644;
const EXECUTABLE_MODE = 0o100755;

/** Writes files without content. */
interface EmptyFileWriter {
  /** @param path where the file will be */
  writeEmpty(path: string): Promise<Oid>;
}

/**
 * Makes a change to a tree.
 *
 * @throws IndexError, RpcError
 */
export async function applyAction(
  tree: TreeEditor,
  action: CommitAction,
  files: EmptyFileWriter,
): Promise<void> {
  switch (action.kind) {
    case "create":
      return createFile(tree, action);
    case "create folder":
      return createFolder(tree, action.path, files);
    case "update":
      return translated(action.path, () =>
        tree.modify(action.path, (entry) => {
          entry.oid = action.oid;
        }),
      );
    case "move":
      return moveFile(tree, action);
    case "delete":
      return translated(action.path, () => tree.delete(action.path));
    case "change mode":
      return changeMode(tree, action);
  }
}

function createFile(
  tree: TreeEditor,
  { path, oid, isExecutable }: CommitAction & { readonly kind: "create" },
): void {
  const mode = isExecutable ? EXECUTABLE_MODE : FILE_MODE;
  translated(path, () => tree.add(path, { mode, oid, type: "blob" }, { replaceFolder: true }));
}

/** Git knows no empty folders, so there is a file in it that stands for nothing. */
async function createFolder(tree: TreeEditor, path: string, files: EmptyFileWriter): Promise<void> {
  const entry = tree.find(path);
  if (entry !== undefined) {
    const isFolder = entry.type === "tree" || entry.type === "commit";
    throw new IndexError(isFolder ? "directory exists" : "file exists", path);
  }
  const keep = posix.join(path, ".gitkeep");
  const oid = await files.writeEmpty(keep).catch((error) => {
    throw wrapError("internal", "performing action operations.createDirectory", error);
  });
  translated(
    path,
    () => tree.add(keep, { mode: FILE_MODE, oid, type: "blob" }),
    "directory exists",
  );
}

function moveFile(
  tree: TreeEditor,
  { path, newPath, oid }: CommitAction & { readonly kind: "move" },
): void {
  const entry = tree.find(path);
  if (entry?.type !== "blob") throw new IndexError("file not found", path);
  // A file that has been moved counts as no file for later actions.
  const moved = { mode: entry.mode, oid: oid ?? entry.oid, type: undefined };
  translated(path, () => tree.delete(path));
  translated(newPath, () => tree.add(newPath, moved, { replaceFolder: true }));
}

function changeMode(
  tree: TreeEditor,
  { path, isExecutable }: CommitAction & { readonly kind: "change mode" },
): void {
  translated(path, () =>
    tree.modify(path, (entry) => {
      if (isExecutable) entry.mode = EXECUTABLE_MODE;
      else if (entry.mode === EXECUTABLE_MODE) entry.mode = FILE_MODE;
    }),
  );
}

function translated(
  path: string,
  edit: () => void,
  existing: "file exists" | "directory exists" = "file exists",
): void {
  try {
    edit();
  } catch (error) {
    if (!(error instanceof TreeEditError)) throw error;
    if (error.problem === "entry not found") throw new IndexError("file not found", path);
    if (error.problem === "entry already exists") throw new IndexError(existing, path);
    // Clients know this one by its text alone.
    throw new RpcError("internal", `invalid path: '${textFromBinary(path)}'`, { cause: error });
  }
}
