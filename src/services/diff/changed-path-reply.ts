import { create } from "@bufbuild/protobuf";
import type { ChangedPath, ChangeStatus } from "../../git/diff/changed-paths-reader.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import {
  type ChangedPaths,
  ChangedPathsSchema,
  ChangedPaths_Status as Status,
} from "../../proto/diff_pb.ts";
import { fieldSize, numberFieldSize } from "../common/message-size.ts";

const STATUSES: Readonly<Record<ChangeStatus, Status>> = {
  A: Status.ADDED,
  C: Status.COPIED,
  D: Status.DELETED,
  M: Status.MODIFIED,
  R: Status.RENAMED,
  T: Status.TYPE_CHANGE,
};

/** A changed path as it goes into a reply. How similar a renamed file is stays unsaid. */
export function changedPathReply({ status, path, oldPath, ...change }: ChangedPath): ChangedPaths {
  return create(ChangedPathsSchema, {
    ...change,
    status: STATUSES[status],
    path: bytesFromBinary(path),
    oldPath: bytesFromBinary(oldPath),
  });
}

/** The encoded size of a changed path in bytes. */
export function changedPathSize(changed: ChangedPaths): number {
  return (
    fieldSize(changed.path.length) +
    numberFieldSize(changed.status) +
    numberFieldSize(changed.oldMode) +
    numberFieldSize(changed.newMode) +
    fieldSize(changed.oldBlobId.length) +
    fieldSize(changed.newBlobId.length) +
    fieldSize(changed.oldPath.length) +
    numberFieldSize(changed.score) +
    fieldSize(changed.commitId.length)
  );
}
