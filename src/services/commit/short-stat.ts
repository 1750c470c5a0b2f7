import { create } from "@bufbuild/protobuf";
import { quoteText } from "../../base/text/quote-text.ts";
import { type CommitStatInfo, CommitStatInfoSchema } from "../../proto/shared_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

const SHORT_STAT =
  /\s(\d+)\sfiles? changed(?:,\s(\d+)\sinsertions?\(\+\))?(?:,\s(\d+)\sdeletions?\(-\))?/;

/** Reads what git's `--shortstat` prints: ` 2 files changed, 1 insertion(+), 3 deletions(-)`. */
export function parseShortStat(text: string): CommitStatInfo {
  const match = SHORT_STAT.exec(text);
  if (match === null) {
    throw new RpcError("unknown", `get stats: unexpected stats format: ${quoteText(text)}`);
  }
  const [, changedFiles, additions, deletions] = match;
  return create(CommitStatInfoSchema, {
    changedFiles: Number(changedFiles),
    additions: Number(additions ?? 0),
    deletions: Number(deletions ?? 0),
  });
}
