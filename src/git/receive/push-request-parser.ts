import { type ObjectFormat, OID_HEX_LENGTH, parseOid } from "../oid/oid.ts";
import { type Packet, PktLineParser } from "../pkt-line/pkt-line-parser.ts";
import { ProtocolError } from "../pkt-line/protocol-error.ts";
import type { PushCapabilities, PushCommand, PushRequest } from "./push-command.ts";
import type { ReceiveSettings } from "./receive-settings.ts";

/** More commands and options than these bytes hold are left to git. */
export const PUSH_REQUEST_BYTES_MAX: number = 32 * 1024 * 1024;

/**
 * How far a request is: `unusual` is one that git has to receive, since it asks for what we don't
 * know, such as a shallow push, or breaks the protocol, which git says in its own words.
 */
export type PushRequestState = "incomplete" | "complete" | "unusual";

/** What git understands, apart from who speaks. */
type Offer = Pick<ReceiveSettings, "advertisesAtomic" | "advertisesPushOptions">;

const LINE_FEED = 0x0a;

const NOTHING_ASKED: PushCapabilities = {
  reportStatus: false,
  reportStatusV2: false,
  sideband: false,
  quiet: false,
  atomic: false,
  pushOptions: false,
};

/** Reads what a client that pushes says before its pack, whatever the chunking. */
export class PushRequestParser {
  readonly #parser = new PktLineParser();
  readonly #format: ObjectFormat;
  readonly #offer: Offer;
  readonly #line: RegExp;
  readonly #commands: PushCommand[] = [];
  readonly #options: string[] = [];
  #capabilities = NOTHING_ASKED;
  #part: "commands" | "options" | "pack" = "commands";
  #bytes = 0;
  #state: PushRequestState = "incomplete";

  constructor(format: ObjectFormat, offer: Offer) {
    this.#format = format;
    this.#offer = offer;
    const oid = `[0-9a-f]{${OID_HEX_LENGTH[format]}}`;
    this.#line = new RegExp(`^(${oid}) (${oid}) (.*)$`, "s");
  }

  /** Adds bytes of the stream. After anything but `incomplete` no more are taken. */
  push(chunk: Uint8Array): PushRequestState {
    this.#bytes += chunk.length;
    this.#parser.push(chunk);
    try {
      this.#readPackets();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#state = "unusual";
    }
    if (this.#state === "incomplete" && this.#bytes > PUSH_REQUEST_BYTES_MAX)
      this.#state = "unusual";
    return this.#state;
  }

  /** What was said; only when it is complete. */
  get request(): PushRequest {
    return {
      commands: this.#commands,
      capabilities: this.#capabilities,
      options: this.#options,
    };
  }

  /** The bytes behind the request, which are the start of a pack. */
  takeRest(): Buffer[] {
    return this.#parser.takeRest();
  }

  #readPackets(): void {
    while (this.#state === "incomplete") {
      const packet = this.#parser.next();
      if (packet === undefined) return;
      this.#readPacket(packet);
      if (this.#part === "pack") this.#state = "complete";
    }
  }

  #readPacket(packet: Packet): void {
    if (packet.kind === "flush") {
      this.#part = this.#nextPart();
    } else if (packet.kind !== "data") {
      this.#state = "unusual";
    } else if (this.#part === "options") {
      this.#options.push(withoutLineFeed(packet.data).toString());
    } else if (!this.#readCommand(withoutLineFeed(packet.data).toString("latin1"))) {
      this.#state = "unusual";
    }
  }

  /** Without commands nobody listens to options. */
  #nextPart(): "options" | "pack" {
    const hasOptions = this.#part === "commands" && this.#capabilities.pushOptions;
    return hasOptions && this.#commands.length > 0 ? "options" : "pack";
  }

  /** Returns false for what is no plain command. */
  #readCommand(line: string): boolean {
    // A line says what went wrong, or goes on where a command can't.
    if (/^(?:ERR |shallow |push-cert$|push-cert\0)/.test(line)) return false;
    const end = line.indexOf("\0");
    const [, oldOid = "", newOid = "", name] =
      this.#line.exec(end < 0 ? line : line.slice(0, end)) ?? [];
    if (name === undefined) return false;
    if (end >= 0 && !this.#readCapabilities(line.slice(end + 1))) return false;
    const [from, to] = [parseOid(oldOid), parseOid(newOid)];
    if (from === undefined || to === undefined) return false;
    this.#commands.push({ name, oldOid: from, newOid: to });
    return true;
  }

  /** Every line may ask for something, and none takes it back. */
  #readCapabilities(text: string): boolean {
    const [features = ""] = text.split("\0", 1);
    const words = new Set(features.split(/[ \t\n]+/));
    const known = this.#capabilities;
    this.#capabilities = {
      reportStatus: known.reportStatus || words.has("report-status"),
      reportStatusV2: known.reportStatusV2 || words.has("report-status-v2"),
      sideband: known.sideband || words.has("side-band-64k"),
      quiet: known.quiet || words.has("quiet"),
      atomic: known.atomic || (this.#offer.advertisesAtomic && words.has("atomic")),
      pushOptions:
        known.pushOptions || (this.#offer.advertisesPushOptions && words.has("push-options")),
    };
    // With a value, or behind an odd space, git's own reading decides.
    if (
      /(?:^|[ \t\n])(?:report-status|report-status-v2|side-band-64k|quiet|atomic|push-options)=|[\v\f\r]/.test(
        features,
      )
    )
      return false;
    const formats = [...words].filter((word) => word.startsWith("object-format"));
    if (formats.length === 0) return this.#format === "sha1";
    return formats.every((word) => word === `object-format=${this.#format}`);
  }
}

function withoutLineFeed(data: Buffer): Buffer {
  return data.at(-1) === LINE_FEED ? data.subarray(0, -1) : data;
}
