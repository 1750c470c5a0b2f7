import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DiffFormatError } from "../../git/diff/diff-error.ts";
import { NulFields } from "../../git/diff/nul-fields.ts";
import type { ObjectDatabase } from "../../git/object/object-database.ts";
import { parseOid } from "../../git/oid/oid.ts";
import { bytesFromBinary } from "../../git/ref/binary-string.ts";
import {
  GetRawChangesResponse_RawChange_Operation as Operation,
  type GetRawChangesResponse_RawChange as RawChange,
  GetRawChangesResponse_RawChangeSchema as RawChangeSchema,
} from "../../proto/repository_pb.ts";
import { internal } from "../../rpc/rpc-error.ts";

const SUBMODULE = "160000";

const OPERATIONS: Readonly<Record<string, Operation>> = {
  A: Operation.ADDED,
  C: Operation.COPIED,
  D: Operation.DELETED,
  M: Operation.MODIFIED,
  R: Operation.RENAMED,
  T: Operation.TYPE_CHANGED,
};

/** Makes changes of the fields that `git diff --raw -z` prints. */
export class RawChangeParser {
  readonly #objects: ObjectDatabase;
  readonly #fields = new NulFields();
  #pending: string[] = [];

  /** @param objects where the changed files are */
  constructor(objects: ObjectDatabase) {
    this.#objects = objects;
  }

  *push(output: Buffer): Generator<RawChange, void, undefined> {
    for (const field of this.#fields.push(output)) {
      this.#pending.push(field);
      const [head = "", from, to] = this.#pending;
      const isPair = /[CR]\d*$/.test(head);
      if (from === undefined || (isPair && to === undefined)) continue;
      this.#pending = [];
      yield this.#change(head, from, to);
    }
  }

  #change(head: string, from: string, to: string | undefined): RawChange {
    const match = /^:([0-7]+) ([0-7]+) ([0-9a-f]+) ([0-9a-f]+) (\w)\d*$/.exec(head);
    const [, oldMode = "", newMode = "", oldId = "", newId = "", status] = match ?? [];
    if (status === undefined) throw new DiffFormatError("raw line regexp mismatch");
    const fields: MessageInitShape<typeof RawChangeSchema> = {
      operation: OPERATIONS[status] ?? Operation.UNKNOWN,
      oldMode: Number.parseInt(oldMode, 8),
      newMode: Number.parseInt(newMode, 8),
      ...(status !== "A" && { oldPathBytes: bytesFromBinary(from) }),
      ...(status !== "D" && { newPathBytes: bytesFromBinary(to ?? from) }),
    };
    const isGone = /^0+$/.test(newId);
    const mode = isGone ? oldMode : newMode;
    const blob = mode === SUBMODULE ? {} : this.#blob(isGone ? oldId : newId);
    return create(RawChangeSchema, { ...fields, ...blob });
  }

  #blob(blobId: string): { readonly blobId: string; readonly size: bigint } {
    const oid = parseOid(blobId);
    const header = oid && this.#objects.header(oid);
    if (header !== undefined) return { blobId, size: BigInt(header.size) };
    throw internal(`build change from diff line: find "${blobId}": object not found`);
  }
}
