import { create } from "@bufbuild/protobuf";
import type { Mailmap } from "../../git/mailmap/mailmap.ts";
import type { Oid } from "../../git/oid/oid.ts";
import { type GitCommit, GitCommitSchema, SignatureType } from "../../proto/shared_pb.ts";
import { commitAuthor } from "./commit-author.ts";

/** Bytes of a message that replies carry; there are RPCs for the whole of it. */
export const MESSAGE_BYTES_MAX: number = 10 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/**
 * The protocol's commit from a commit's content.
 *
 * Nothing is refused: whatever a damaged commit lacks is left out. Headers behind a signature don't
 * count. With a mailmap, author and committer are those that it says.
 */
export function gitCommit(oid: Oid, content: Buffer, mailmap: Mailmap | undefined): GitCommit {
  const commit = create(GitCommitSchema, { id: oid });
  const bodyStart = addHeaders(commit, content, mailmap);
  if (bodyStart < content.length) {
    const body = content.subarray(bodyStart);
    commit.subject = messageSubject(body);
    commit.body = body.subarray(0, MESSAGE_BYTES_MAX);
    commit.bodySize = BigInt(body.length);
  }
  return commit;
}

/** The first line of a message, without carriage returns at its end. */
export function messageSubject(message: Buffer): Buffer {
  const newline = message.indexOf(NEWLINE);
  let end = newline < 0 ? message.length : newline;
  while (end > 0 && message[end - 1] === CARRIAGE_RETURN) end--;
  return message.subarray(0, end);
}

/** What kind of signature begins with this line. */
export function signatureType(line: string): SignatureType {
  switch (line) {
    case "-----BEGIN SIGNED MESSAGE-----":
      return SignatureType.X509;
    case "-----BEGIN PGP MESSAGE-----":
    case "-----BEGIN PGP SIGNATURE-----":
      return SignatureType.PGP;
    case "-----BEGIN SSH SIGNATURE-----":
      return SignatureType.SSH;
    default:
      return SignatureType.NONE;
  }
}

/** @returns where the message begins */
function addHeaders(commit: GitCommit, content: Buffer, mailmap: Mailmap | undefined): number {
  let ignored = false;
  for (let line = 0; line < content.length; ) {
    const newline = content.indexOf(NEWLINE, line);
    const end = newline < 0 ? content.length : newline;
    if (end === line) return end + 1;
    const space: number = ignored ? -1 : content.indexOf(SPACE, line);
    if (space >= 0 && space < end) {
      const value = content.subarray(space + 1, end);
      ignored = !addHeader(commit, content.toString("latin1", line, space), value, mailmap);
    }
    line = end + 1;
  }
  return content.length;
}

/** @returns false when it was a signature, after which no header counts */
function addHeader(
  commit: GitCommit,
  key: string,
  value: Buffer,
  mailmap: Mailmap | undefined,
): boolean {
  switch (key) {
    case "tree":
      commit.treeId = value.toString("latin1");
      break;
    case "parent":
      commit.parentIds.push(value.toString("latin1"));
      break;
    case "author":
      commit.author = commitAuthor(mailmap?.rewrite(value) ?? value);
      break;
    case "committer":
      commit.committer = commitAuthor(mailmap?.rewrite(value) ?? value);
      break;
    case "encoding":
      commit.encoding = value.toString();
      break;
    case "gpgsig":
    case "gpgsig-sha256":
      commit.signatureType = signatureType(value.toString("latin1"));
      return false;
  }
  return true;
}
