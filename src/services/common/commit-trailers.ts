import { create } from "@bufbuild/protobuf";
import type { GitObject } from "../../git/object/object-type.ts";
import { binaryFromBytes, bytesFromBinary } from "../../git/ref/binary-string.ts";
import { commitTrailers } from "../../git/trailer/commit-trailers.ts";
import { type CommitTrailer, CommitTrailerSchema, type GitCommit } from "../../proto/shared_pb.ts";
import type { OpenedRepository } from "./open-repository.ts";
import type { RevisionNeeds } from "./resolve-revision.ts";

/** Bounds of what a reply carries; the first one that is crossed ends the list. */
const TRAILERS_MAX = 64;
const KEY_BYTES_MAX = 128;
const VALUE_BYTES_MAX = 512;

/** More than this in all isn't taken apart at all. */
const TRAILERS_BYTES_MAX = 64 * 1024;

/** White space at both ends of a text in UTF-8, as the Unicode standard has it. */
const SPACE =
  "(?:[\\t-\\r ]|\\xc2[\\x85\\xa0]|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8a\\xa8\\xa9\\xaf]|\\xe2\\x81\\x9f|\\xe3\\x80\\x80)+";
const SPACE_AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");

/**
 * The protocol's trailers from those of a commit's message (see `git/trailer`).
 *
 * Any text with a colon counts as one, so lines among the trailers that git takes for none may do.
 */
export function parseTrailers(texts: readonly string[]): CommitTrailer[] {
  const bytes = texts.reduce((sum, { length }) => sum + length + 1, 0);
  if (bytes > TRAILERS_BYTES_MAX) return [];
  const trailers: CommitTrailer[] = [];
  for (const text of texts) {
    const colon = text.indexOf(":");
    if (colon <= 0) continue;
    const value = text.slice(colon + 1).replace(SPACE_AROUND, "");
    if (colon > KEY_BYTES_MAX || value.length > VALUE_BYTES_MAX) break;
    const key = bytesFromBinary(text.slice(0, colon));
    trailers.push(create(CommitTrailerSchema, { key, value: bytesFromBinary(value) }));
    if (trailers.length === TRAILERS_MAX) break;
  }
  return trailers;
}

const IS_UTF8 = /^(?:utf-?8)?$/i;

/** Finds the trailers of a commit, in UTF-8. */
export async function readTrailers(
  { located }: OpenedRepository,
  { oid, content }: GitObject,
  commit: GitCommit,
  { git, gitCall }: RevisionNeeds,
): Promise<CommitTrailer[]> {
  const message = content.subarray(content.length - Number(commit.bodySize));
  // Git shows trailers in UTF-8; converting them is left to it.
  if (IS_UTF8.test(commit.encoding)) return parseTrailers(commitTrailers(message));
  const format = "--format=%(trailers:unfold,separator=%x00)";
  const command = { name: "show", flags: [format, "--no-patch"], args: [oid] } as const;
  const { stdout } = await git.run(located, command, { ...gitCall(), fallback: "encoding" });
  return parseTrailers(binaryFromBytes(stdout).replace(/\n.*$/s, "").split("\0"));
}
