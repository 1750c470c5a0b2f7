import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  UserCommitFilesActionHeader_ActionType as Type,
  type UserCommitFilesActionHeaderSchema,
  type UserCommitFilesRequestHeaderSchema,
  type UserCommitFilesRequestSchema,
} from "../proto/operations_pb.ts";

/** A message of UserCommitFiles. */
export type CommitFilesMessage = MessageInitShape<typeof UserCommitFilesRequestSchema>;

/** What an action has beside its path. */
export interface ActionOptions {
  readonly isExecutable?: boolean;
  readonly isBase64?: boolean;
}

type Header = MessageInitShape<typeof UserCommitFilesActionHeaderSchema>;

/** The messages that begin and describe a commit. */
export function commitHeader(
  header: MessageInitShape<typeof UserCommitFilesRequestHeaderSchema>,
): CommitFilesMessage {
  return { userCommitFilesRequestPayload: { case: "header", value: header } };
}

/** The messages of an action: its header, and its content in pieces. */
export function commitAction(
  header: Header,
  ...contents: readonly (string | Uint8Array)[]
): CommitFilesMessage[] {
  const payloads = [
    { case: "header", value: header } as const,
    ...contents.map((content) => ({ case: "content", value: Buffer.from(content) }) as const),
  ];
  return payloads.map((userCommitFilesActionPayload) => ({
    userCommitFilesRequestPayload: { case: "action", value: { userCommitFilesActionPayload } },
  }));
}

/** Paths are text. */
type MakeAction = (
  path: string,
  content?: string | Uint8Array,
  options?: ActionOptions,
) => CommitFilesMessage[];

function maker(action: Type): MakeAction {
  return (path, content, { isExecutable = false, isBase64 = false } = {}) => {
    const header = {
      action,
      filePath: Buffer.from(path),
      executeFilemode: isExecutable,
      base64Content: isBase64,
    };
    return commitAction(header, ...(content === undefined ? [] : [content]));
  };
}

export const createFile: MakeAction = maker(Type.CREATE);
export const createFolder: MakeAction = maker(Type.CREATE_DIR);
export const updateFile: MakeAction = maker(Type.UPDATE);
export const deleteFile: MakeAction = maker(Type.DELETE);

export function changeMode(path: string, isExecutable: boolean): CommitFilesMessage[] {
  return maker(Type.CHMOD)(path, undefined, { isExecutable });
}

/** Without content the file keeps its own. */
export function moveFile(from: string, to: string, content?: string): CommitFilesMessage[] {
  const header = {
    action: Type.MOVE,
    filePath: Buffer.from(to),
    previousPath: Buffer.from(from),
    inferContent: content === undefined,
  };
  return commitAction(header, ...(content === undefined ? [] : [content]));
}
