import { quoteText } from "../../base/text/quote-text.ts";
import type { IdentityDate } from "../../git/object/identity.ts";
import { binaryFromBytes, textFromBinary } from "../../git/ref/binary-string.ts";
import type { CommitAuthor } from "../../proto/shared_pb.ts";
import { RpcError } from "../../rpc/rpc-error.ts";

const HOURS_MAX = 24;
const MINUTES_MAX = 60;

/** When a commit was written, as another commit can repeat it. Now when it doesn't say. */
export function authorDate(author: CommitAuthor | undefined, timezone = "+0000"): IdentityDate {
  const seconds = author?.date?.seconds ?? BigInt(Math.floor(Date.now() / 1000));
  return { seconds, timezone };
}

/**
 * The time zone of a commit's author.
 *
 * @throws RpcError of kind `unknown` when it has none that can be read
 */
export function authorTimezone(author: CommitAuthor | undefined): string {
  const text = textFromBinary(binaryFromBytes(author?.timezone ?? new Uint8Array()));
  const [, sign = "", hours, minutes, rest] = /^([+-])(\d\d)(\d\d)(.*)$/s.exec(text) ?? [];
  const parsing = `parsing time ${quoteText(text)}`;
  if (sign === "") {
    throw unreadable(`${parsing} as "-0700": cannot parse ${quoteText(text)} as "-0700"`);
  }
  // Of two faults Go's library tells the second one.
  if (Number(minutes) > MINUTES_MAX) {
    throw unreadable(`${parsing}: time zone offset minute out of range`);
  }
  if (Number(hours) > HOURS_MAX) {
    throw unreadable(`${parsing}: time zone offset hour out of range`);
  }
  if (rest !== "") throw unreadable(`${parsing}: extra text: ${quoteText(rest ?? "")}`);
  const total = Number(hours) * 60 + Number(minutes);
  const digits = String(Math.trunc(total / 60) * 100 + (total % 60)).padStart(4, "0");
  return `${total === 0 ? "+" : sign}${digits}`;
}

function unreadable(message: string): RpcError {
  return new RpcError("unknown", message);
}
