import { DomainError, type ErrorKind } from "../../base/error/domain-error.ts";
import { quoteBytes } from "../../base/text/quote-bytes.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import { IndexError_ErrorType } from "../../proto/errors_pb.ts";
import { UserCommitFilesErrorSchema } from "../../proto/operations_pb.ts";
import { detail, RpcError } from "../../rpc/rpc-error.ts";

/** What clients are told about a path that can't be changed as asked. */
export type IndexProblem =
  | "directory exists"
  | "directory traversal"
  | "empty path"
  | "file exists"
  | "file not found"
  | "invalid path";

interface Meaning {
  readonly kind: ErrorKind;
  readonly type: IndexError_ErrorType;
  readonly message: string;
}

const MEANINGS: Readonly<Record<IndexProblem, Meaning>> = {
  "directory exists": {
    kind: "already-exists",
    type: IndexError_ErrorType.DIRECTORY_EXISTS,
    message: "A directory with this name already exists",
  },
  "directory traversal": {
    kind: "invalid-argument",
    type: IndexError_ErrorType.DIRECTORY_TRAVERSAL,
    message: "Path cannot include directory traversal",
  },
  "empty path": {
    kind: "invalid-argument",
    type: IndexError_ErrorType.EMPTY_PATH,
    message: "You must provide a file path",
  },
  "file exists": {
    kind: "already-exists",
    type: IndexError_ErrorType.FILE_EXISTS,
    message: "A file with this name already exists",
  },
  "file not found": {
    kind: "not-found",
    type: IndexError_ErrorType.FILE_NOT_FOUND,
    message: "A file with this name doesn't exist",
  },
  "invalid path": {
    kind: "invalid-argument",
    type: IndexError_ErrorType.INVALID_PATH,
    message: "invalid path: ",
  },
};

/** A path can't be changed as asked. */
export class IndexError extends DomainError {
  readonly path: Buffer;
  readonly problem: IndexProblem;

  /** @param path a binary string */
  constructor(problem: IndexProblem, path: string) {
    const { kind, message } = MEANINGS[problem];
    const bytes = bytesFromBinary(path);
    super(kind, problem === "invalid path" ? `${message}${quoteBytes(bytes)}` : message);
    this.path = bytes;
    this.problem = problem;
  }

  /** The error with what clients branch on. */
  toRpcError(): RpcError {
    const value = { path: this.path, errorType: MEANINGS[this.problem].type };
    return new RpcError(this.kind, this.message, {
      cause: this,
      detail: detail(UserCommitFilesErrorSchema, { error: { case: "indexUpdate", value } }),
    });
  }
}
