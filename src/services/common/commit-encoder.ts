import { toBinary } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { type GitCommit, GitCommitSchema } from "../../proto/shared_pb.ts";
import type { EncodedEntry } from "./encoded-list.ts";
import { MessageWriter } from "./message-writer.ts";
import { writeCommit } from "./write-commit.ts";

/** The number of the commit, or the list of them, in all replies that are nothing else. */
const COMMITS_FIELD = 1;

/** Encodes commits as entries of a reply's list of commits. */
export class CommitEncoder {
  readonly #writer = new MessageWriter();
  readonly #mailmap: Mailmap | undefined;

  constructor(mailmap: Mailmap | undefined) {
    this.#mailmap = mailmap;
  }

  /** Encodes what `gitCommit` makes of a commit's content. */
  encode(oid: Oid, content: Buffer): EncodedEntry {
    const size = writeCommit(this.#writer, COMMITS_FIELD, oid, content, this.#mailmap);
    return { bytes: this.#writer.take(), size };
  }

  /** Encodes a commit that is a message already. */
  encodeMessage(commit: GitCommit): EncodedEntry {
    const message = toBinary(GitCommitSchema, commit);
    this.#writer.raw(message);
    this.#writer.message(COMMITS_FIELD, 0);
    return { bytes: this.#writer.take(), size: message.length };
  }
}
