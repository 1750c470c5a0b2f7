import { posix } from "node:path";
import type { Oid } from "../../git/oid/oid.ts";
import { binaryFromBytes, binaryFromText } from "../../git/ref/binary-string.ts";
import {
  UserCommitFilesActionHeader_ActionType as Type,
  type UserCommitFilesActionHeader,
  type UserCommitFilesRequest,
} from "../../proto/operations_pb.ts";
import { invalidArgument, RpcError, wrapError } from "../../rpc/rpc-error.ts";
import type { FileWriter, IncomingFile } from "../common/file-writer.ts";
import type { CommitAction } from "./commit-action.ts";
import { IndexError } from "./index-error.ts";

/** What became of a file's content. */
type Written =
  | { readonly state: "written"; readonly oid: Oid }
  | { readonly state: "failed"; readonly error: unknown };

interface ReceivedAction {
  readonly header: UserCommitFilesActionHeader;
  /** Undefined for actions that need no content. */
  readonly written: Written | undefined;
}

/**
 * Takes in the actions of a commit; contents are written as they come. What is wrong with an action
 * is told in the order of the actions, after all of them have come.
 *
 * @param root path of the repository; paths must not lead out of it
 * @throws IndexError, RpcError
 */
export async function receiveActions(
  requests: AsyncIterable<UserCommitFilesRequest>,
  files: FileWriter,
  root: string,
): Promise<CommitAction[]> {
  const actions: CommitAction[] = [];
  const received = await receiveAll(requests, files);
  for (const action of received) actions.push(checkAction(action, binaryFromText(root)));
  return actions;
}

async function receiveAll(
  requests: AsyncIterable<UserCommitFilesRequest>,
  files: FileWriter,
): Promise<ReceivedAction[]> {
  const actions: ReceivedAction[] = [];
  let current: Receiving | undefined;
  try {
    for await (const payload of payloads(requests)) {
      if (payload.case === "header") {
        if (current !== undefined) actions.push(await current.end());
        current = new Receiving(payload.value, files);
      } else if (current === undefined) {
        throw new RpcError("unknown", "content sent before action");
      } else {
        await current.add(payload.value);
      }
    }
    const last = await current?.end();
    return last === undefined ? actions : [...actions, last];
  } catch (error) {
    await current?.drop();
    throw error;
  }
}

type Payload =
  | { readonly case: "header"; readonly value: UserCommitFilesActionHeader }
  | { readonly case: "content"; readonly value: Uint8Array };

async function* payloads(requests: AsyncIterable<UserCommitFilesRequest>): AsyncIterable<Payload> {
  for await (const { userCommitFilesRequestPayload: request } of requests) {
    const action = request.case === "action" ? request.value : undefined;
    const payload = action?.userCommitFilesActionPayload;
    if (payload?.case === undefined) {
      throw new RpcError("unknown", "unhandled action payload type: <nil>");
    }
    yield payload;
  }
}

/** An action whose content is coming. */
class Receiving {
  readonly #header: UserCommitFilesActionHeader;
  readonly #file: IncomingFile | undefined;
  #failure: Written | undefined;

  constructor(header: UserCommitFilesActionHeader, files: FileWriter) {
    this.#header = header;
    const path = binaryFromBytes(header.filePath);
    if (needsContent(header)) this.#file = files.begin(path, { isBase64: header.base64Content });
  }

  async add(piece: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await this.#file?.add(piece);
    } catch (error) {
      this.#failure = { state: "failed", error };
    }
  }

  async end(): Promise<ReceivedAction> {
    const written = this.#file && (await this.#finish(this.#file));
    return { header: this.#header, written: this.#failure ?? written };
  }

  /** Gives up what has come so far. */
  async drop(): Promise<void> {
    await this.#file?.drop();
  }

  async #finish(file: IncomingFile): Promise<Written> {
    try {
      return { state: "written", oid: await file.finish() };
    } catch (error) {
      return { state: "failed", error };
    }
  }
}

function needsContent({ action, inferContent }: UserCommitFilesActionHeader): boolean {
  if (action === Type.MOVE) return !inferContent;
  return action === Type.CREATE || action === Type.UPDATE;
}

function checkAction({ header, written }: ReceivedAction, root: string): CommitAction {
  const { action, executeFilemode: isExecutable } = header;
  if (!Object.values<number>(Type).includes(action)) {
    throw invalidArgument(`NoMethodError: undefined method \`downcase' for ${action}:Integer`);
  }
  const path = checkPath(root, header.filePath);
  switch (action) {
    case Type.CREATE:
      return { kind: "create", path, oid: oidOf(written, "write created blob"), isExecutable };
    case Type.CREATE_DIR:
      return { kind: "create folder", path };
    case Type.UPDATE:
      return { kind: "update", path, oid: oidOf(written, "write updated blob") };
    case Type.MOVE: {
      const previous = checkPath(root, header.previousPath);
      const oid = written && oidOf(written);
      return { kind: "move", path: previous, newPath: path, oid };
    }
    case Type.DELETE:
      return { kind: "delete", path };
    default:
      return { kind: "change mode", path, isExecutable };
  }
}

/** A path relative to the repository's, in its shortest form; a slash in front makes no difference. */
function checkPath(root: string, bytes: Uint8Array): string {
  const given = binaryFromBytes(bytes);
  if (given === "") throw new IndexError("empty path", "");
  // GitLab's own tests ask for this.
  if (given.includes("//")) throw new IndexError("invalid path", given);
  const path = posix.join(root, given).replace(/\/$/, "");
  if (path === root) return ".";
  if (!path.startsWith(`${root}/`)) throw new IndexError("directory traversal", given);
  return path.slice(root.length + 1);
}

function oidOf(written: Written | undefined, doing?: string): Oid {
  if (written?.state === "written") return written.oid;
  const error = written?.error;
  throw doing === undefined ? error : wrapError("unknown", doing, error);
}
