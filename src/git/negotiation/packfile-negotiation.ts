/*
 * What a client says before the pack is made (gitprotocol-pack "Packfile Negotiation",
 * gitprotocol-v2 "fetch"): pkt-lines with wants, shallow boundaries, deepening, a filter and haves,
 * ended by `done`.
 */
import { type Packet, PktLineParser, packetText } from "../pkt-line/pkt-line-parser.ts";
import { ProtocolError } from "../pkt-line/protocol-error.ts";

/**
 * What was counted while a client negotiated; sizes in bytes. Text is a binary string, one byte per
 * UTF-16 unit.
 */
export interface NegotiationStatistics {
  userAgent: string;
  /** All payloads together, without the line feeds that end them. */
  payloadSize: number;
  packets: number;
  /** Capabilities that came with the first want. */
  capabilities: string[] | undefined;
  wants: number;
  haves: number;
  shallows: number;
  /** The last deepening as sent: `deepen 1`, `deepen-since 1700000000`, `deepen-not v1.0`. */
  deepen: string;
  /** The object filter: `blob:none`. */
  filter: string;
  /** The last command of protocol version 2: `ls-refs`, `fetch`. */
  command: string;
}

/** Where the negotiation is over as far as time limits are concerned: at `done`, or at a flush. */
export type Boundary = "done" | "flush";

/**
 * Listens in on what a client sends to a serving git and counts it.
 *
 * It watches for two things that end at different places: what the client wants, up to `done`, and
 * the boundary, after which a client may take its time. Input that is no negotiation stops the
 * counting, never the transfer: git itself is the judge.
 */
export class PacketObserver {
  readonly statistics: NegotiationStatistics = {
    userAgent: "",
    payloadSize: 0,
    packets: 0,
    capabilities: undefined,
    wants: 0,
    haves: 0,
    shallows: 0,
    deepen: "",
    filter: "",
    command: "",
  };
  readonly #parser = new PktLineParser();
  readonly #boundary: Boundary;
  #onBoundary: (() => void) | undefined;
  #counting = true;
  #malformed = false;

  constructor(boundary: Boundary) {
    this.#boundary = boundary;
  }

  /**
   * Has `action` run once: when the boundary has been seen, or when what comes is no stream of
   * packets, in which there can't be one.
   */
  onBoundary(action: () => void): void {
    this.#onBoundary = action;
  }

  /** Looks at the next bytes of the client. */
  feed(chunk: Uint8Array): void {
    if (!this.#listening) return;
    try {
      this.#parser.push(chunk);
      for (let packet = this.#next(); packet !== undefined; packet = this.#next()) {
        this.#observe(packet);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#giveUp();
    }
  }

  /** Says that nothing follows, which must not be within a packet. */
  end(): void {
    if (this.#listening && this.#parser.bufferedBytes > 0) this.#giveUp();
  }

  /** Whether everything up to `done`, or to the end, was well-formed. Known after `end`. */
  get wellFormed(): boolean {
    return !this.#malformed;
  }

  get #listening(): boolean {
    return this.#counting || this.#onBoundary !== undefined;
  }

  #next(): Packet | undefined {
    return this.#listening ? this.#parser.next() : undefined;
  }

  #giveUp(): void {
    this.#stopCounting(true);
    this.#passBoundary();
  }

  #stopCounting(malformed: boolean): void {
    if (!this.#counting) return;
    this.#counting = false;
    this.#malformed = malformed;
  }

  #passBoundary(): void {
    const action = this.#onBoundary;
    this.#onBoundary = undefined;
    action?.();
  }

  #observe(packet: Packet): void {
    if (this.#isBoundary(packet)) this.#passBoundary();
    if (!this.#counting) return;
    const line = packet.kind === "data" ? packetText(packet.data) : "";
    const { statistics } = this;
    statistics.payloadSize += line.length;
    if (line === "done") this.#stopCounting(false);
    else if (count(statistics, line)) statistics.packets += 1;
    else this.#stopCounting(true);
  }

  #isBoundary(packet: Packet): boolean {
    if (this.#boundary === "flush") return packet.kind === "flush";
    return packet.kind === "data" && packet.data.equals(DONE);
  }
}

const DONE = Buffer.from("done\n");

/** Counts one line. Returns false when it is malformed. */
function count(statistics: NegotiationStatistics, line: string): boolean {
  const words = line.split(" ");
  const [word = "", value = ""] = words;
  switch (word) {
    case "want":
      return countWant(statistics, words.slice(1));
    case "have":
      statistics.haves += words.length === 2 ? 1 : 0;
      break;
    case "shallow":
      statistics.shallows += words.length === 2 ? 1 : 0;
      break;
    case "filter":
      if (words.length === 2) statistics.filter = value;
      break;
    case "deepen":
    case "deepen-since":
    case "deepen-not":
      if (words.length === 2) statistics.deepen = line;
      break;
    default:
      if (word.startsWith("command=")) statistics.command = word.slice("command=".length);
      else statistics.userAgent = agentOf(word) ?? statistics.userAgent;
      return true;
  }
  return words.length === 2;
}

function countWant(
  statistics: NegotiationStatistics,
  [oid, ...capabilities]: readonly string[],
): boolean {
  if (oid === undefined) return false;
  if (capabilities.length > 0) {
    // They come with the first want only.
    if (statistics.capabilities !== undefined) return false;
    statistics.capabilities = capabilities;
    const agent = capabilities.map(agentOf).find((name) => name !== undefined);
    statistics.userAgent = agent ?? statistics.userAgent;
  }
  statistics.wants += 1;
  return true;
}

function agentOf(word: string): string | undefined {
  return word.startsWith("agent=") ? word.slice("agent=".length) : undefined;
}
