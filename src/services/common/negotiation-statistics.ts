import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Counter } from "../../base/metric/counter.ts";
import type { Histogram } from "../../base/metric/histogram.ts";
import type { MetricRegistry } from "../../base/metric/metric-registry.ts";
import type {
  NegotiationStatistics,
  PacketObserver,
} from "../../git/negotiation/packfile-negotiation.ts";
import type { PackfileNegotiationStatisticsSchema } from "../../proto/packfile_pb.ts";
import type { Call } from "../../rpc/call.ts";
import { messageText } from "./message-text.ts";

type Message = MessageInitShape<typeof PackfileNegotiationStatisticsSchema>;

/** What git sends for "as deep as there is". */
const INFINITE_DEPTH = 0x7fffffff;

/** Counts what clients negotiate, for the metrics and the log lines of one service. */
export class NegotiationRecorder {
  readonly #features: Counter<"git_negotiation_feature">;
  readonly #depths: Histogram<never>;

  /** @param service how its metrics are named: `gitaly_ssh_packfile_negotiation_…` */
  constructor(metrics: MetricRegistry, service: "ssh" | "smarthttp") {
    this.#features = metrics.counter({
      name: `gitaly_${service}_packfile_negotiation_requests_total`,
      help: "Features that clients have used in negotiations of packs.",
      labels: ["git_negotiation_feature"],
    });
    this.#depths = metrics.histogram({
      name: `gitaly_${service}_packfile_negotiation_deepen`,
      help: "To how many commits clients have wanted histories to be cut.",
      buckets: [1, 2, 5, 10, ...exponentialBuckets(20, INFINITE_DEPTH - 1, 4), INFINITE_DEPTH],
    });
  }

  /** Takes note of a negotiation that is over, unless it was none. */
  record(call: Call, { statistics, wellFormed }: PacketObserver): void {
    if (!wellFormed) return;
    this.#count(statistics);
    logNegotiation(call, statistics);
  }

  #count({ command, deepen, filter, haves }: NegotiationStatistics): void {
    const inc = (feature: string): void => this.#features.inc({ git_negotiation_feature: feature });
    if (command !== "") inc(utf8(command));
    if (deepen !== "") inc("deepen");
    if (filter !== "") inc("filter");
    if (haves > 0) inc("have");
    inc("total");
    const [, depth] = /^deepen ([+-]?\d+)$/.exec(deepen) ?? [];
    if (depth !== undefined) this.#depths.observe({}, Number(depth));
  }
}

/** What a client said while it negotiated, for the reply. */
export function negotiationMessage(statistics: NegotiationStatistics): Message {
  const { payloadSize, packets, capabilities, wants, haves, shallows, deepen, filter } = statistics;
  return {
    payloadSize: BigInt(payloadSize),
    packets: BigInt(packets),
    caps: (capabilities ?? []).map(messageText),
    wants: BigInt(wants),
    haves: BigInt(haves),
    shallows: BigInt(shallows),
    deepen: messageText(deepen),
    filter: messageText(filter),
  };
}

function logNegotiation(call: Call, statistics: NegotiationStatistics): void {
  const { command, userAgent, deepen, filter, haves, wants, shallows } = statistics;
  const set = (name: string, value: string | number): void => {
    call.logFields[`negotiation.${name}`] = typeof value === "string" ? utf8(value) : value;
  };
  if (command !== "") set("command", command);
  if (userAgent !== "") set("user_agent", userAgent);
  if (deepen !== "") set("deepen", deepen);
  if (filter !== "") set("filter", filter);
  set("haves", haves);
  set("wants", wants);
  if (shallows > 0) set("shallows", shallows);
}

function utf8(binary: string): string {
  return Buffer.from(binary, "latin1").toString();
}

/** `count` bounds from `min` to `max`, each by the same factor above the one before. */
function exponentialBuckets(min: number, max: number, count: number): number[] {
  const factor = (max / min) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, index) => min * factor ** index);
}
