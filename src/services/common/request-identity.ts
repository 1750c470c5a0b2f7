import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Identity } from "../../git/object/identity.ts";
import type { User } from "../../proto/shared_pb.ts";
import { invalidArgument } from "../../rpc/rpc-error.ts";
import { TimeZoneError, userIdentity } from "./user-identity.ts";

/** Who a request is by, and when: see `userIdentity`. An unknown time zone is the client's fault. */
export function requestIdentity(user: User, timestamp: Timestamp | undefined): Required<Identity> {
  return refuseTimeZone(() => userIdentity(user, timestamp));
}

/** Makes an unknown time zone an error that tells the client so. */
export function refuseTimeZone<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TimeZoneError)) throw error;
    throw invalidArgument(error.message, { cause: error });
  }
}
