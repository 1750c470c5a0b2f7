/*
 * What a client says before the pack is made (gitprotocol-pack "Packfile Negotiation",
 * gitprotocol-v2 "fetch"): pkt-lines with wants, shallow boundaries, deepening, a filter and haves,
 * ended by `done`.
 */
import { type Packet, PktLineParser, packetText } from "../pkt-line/pkt-line-parser.ts";
import { ProtocolError } from "../pkt-line/protocol-error.ts";

/** What was counted while a client negotiated; sizes in bytes. */
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

/** Where the negotiation is over as far as time limits are concerned. */
export type Boundary = "done" | "flush";

/**
 * Listens in on what a client sends to `upload-pack` and counts it.
 *
 * Input that is no negotiation stops the counting, never the transfer: git itself is the judge.
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
  readonly #onBoundary: () => void;
  #listening = true;

  /** @param onBoundary called once, when `done` or the first flush has been seen */
  constructor(boundary: Boundary, onBoundary: () => void) {
    this.#boundary = boundary;
    this.#onBoundary = onBoundary;
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
      this.#listening = false;
    }
  }

  #next(): Packet | undefined {
    return this.#listening ? this.#parser.next() : undefined;
  }

  #observe(packet: Packet): void {
    const line = packet.kind === "data" ? packetText(packet.data) : "";
    const isBoundary =
      this.#boundary === "done"
        ? packet.kind === "data" && packet.data.equals(DONE)
        : packet.kind === "flush";
    if (isBoundary) this.#onBoundary();
    this.statistics.payloadSize += line.length;
    if (line === "done" || (isBoundary && this.#boundary === "flush")) this.#listening = false;
    else {
      this.#count(line);
      this.statistics.packets += 1;
    }
  }

  #count(line: string): void {
    const [word = "", ...values] = line.split(" ");
    const statistics = this.statistics;
    if (word.startsWith("command=")) statistics.command = word.slice("command=".length);
    else if (word.startsWith("agent=")) statistics.userAgent = word.slice("agent=".length);
    else if (word === "want") this.#countWant(values);
    else if (word === "shallow") statistics.shallows += 1;
    else if (word === "have") statistics.haves += 1;
    else if (word === "filter") statistics.filter = values[0] ?? "";
    else if (DEEPEN.has(word)) statistics.deepen = line;
  }

  #countWant([oid, ...capabilities]: string[]): void {
    if (oid === undefined) throw new ProtocolError("want without object id");
    this.statistics.wants += 1;
    if (capabilities.length === 0) return;
    this.statistics.capabilities = capabilities;
    const agent = capabilities.find((capability) => capability.startsWith("agent="));
    if (agent !== undefined) this.statistics.userAgent = agent.slice("agent=".length);
  }
}

const DONE = Buffer.from("done\n");
const DEEPEN = new Set(["deepen", "deepen-since", "deepen-not"]);
