import type { MessageInitShape } from "@bufbuild/protobuf";
import type { NegotiationStatistics } from "../../git/negotiation/packfile-negotiation.ts";
import type { PackfileNegotiationStatisticsSchema } from "../../proto/packfile_pb.ts";
import type { Call } from "../../rpc/call.ts";

type Message = MessageInitShape<typeof PackfileNegotiationStatisticsSchema>;

/** What a client said while it negotiated, for the reply. */
export function negotiationMessage(statistics: NegotiationStatistics): Message {
  const { payloadSize, packets, capabilities, wants, haves, shallows, deepen, filter } = statistics;
  return {
    payloadSize: BigInt(payloadSize),
    packets: BigInt(packets),
    caps: capabilities ?? [],
    wants: BigInt(wants),
    haves: BigInt(haves),
    shallows: BigInt(shallows),
    deepen,
    filter,
  };
}

/** The same for the call's log line. */
export function logNegotiation(call: Call, statistics: NegotiationStatistics): void {
  const { command, userAgent, deepen, filter, haves, wants, shallows } = statistics;
  const set = (name: string, value: string | number): void => {
    call.logFields[`negotiation.${name}`] = value;
  };
  if (command !== "") set("command", command);
  if (userAgent !== "") set("user_agent", userAgent);
  if (deepen !== "") set("deepen", deepen);
  if (filter !== "") set("filter", filter);
  set("haves", haves);
  set("wants", wants);
  if (shallows > 0) set("shallows", shallows);
}
