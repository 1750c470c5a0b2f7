import type { ObjectFormat } from "../oid/oid.ts";
import { type Packet, PktLineParser } from "../pkt-line/pkt-line-parser.ts";
import { ProtocolError } from "../pkt-line/protocol-error.ts";

/** What a client wants to know of the references (gitprotocol-v2, "ls-refs"). */
export interface LsRefsRequest {
  /** As the client says, or as it means by saying nothing. */
  readonly objectFormat: ObjectFormat;
  /** Binary strings; none for all references. */
  readonly prefixes: readonly string[];
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
}

/** `end`: nothing is asked any more. `unusual` is left to git, which knows what to say. */
export type LsRefsState = "incomplete" | "unusual" | "end" | LsRefsRequest;

const PREFIXES_MAX = 100;

const OPTIONS: ReadonlySet<string> = new Set(["peel", "symrefs", "unborn"]);
const REF_PREFIX = "ref-prefix ";

/** Capabilities that say nothing about the references. */
const IGNORED = /^(?:agent|server-option)=/;

/** Reads a request of version 2 of the protocol that consists of nothing but `ls-refs`. */
export class LsRefsRequestParser {
  readonly #parser = new PktLineParser();
  readonly #arguments: string[] = [];
  #section: "command" | "capabilities" | "arguments" = "command";
  #objectFormat: string | undefined;

  /** Takes what the client has said next. Nothing may follow `incomplete` but more of it. */
  push(chunk: Uint8Array): LsRefsState {
    this.#parser.push(chunk);
    try {
      for (;;) {
        const packet = this.#parser.next();
        if (packet === undefined) return "incomplete";
        if (packet.kind === "flush") return this.#end();
        if (!this.#take(packet)) return "unusual";
      }
    } catch (error) {
      if (error instanceof ProtocolError) return "unusual";
      throw error;
    }
  }

  #take(packet: Packet): boolean {
    if (packet.kind === "delim") {
      if (this.#section !== "capabilities") return false;
      this.#section = "arguments";
      return true;
    }
    if (packet.kind !== "data") return false;
    const line = packet.data.toString("latin1").replace(/\n$/, "");
    if (this.#section === "command") {
      this.#section = "capabilities";
      return line === "command=ls-refs";
    }
    if (this.#section === "capabilities") return this.#takeCapability(line);
    this.#arguments.push(line);
    return this.#arguments.length <= PREFIXES_MAX;
  }

  #takeCapability(line: string): boolean {
    if (IGNORED.test(line)) return true;
    const [, format] = /^object-format=(.*)$/.exec(line) ?? [];
    if (format === undefined || this.#objectFormat !== undefined) return false;
    this.#objectFormat = format;
    return true;
  }

  #end(): LsRefsState {
    if (this.#parser.bufferedBytes > 0) return "unusual";
    if (this.#section === "command") return "end";
    const objectFormat = this.#objectFormat ?? "sha1";
    if (objectFormat !== "sha1" && objectFormat !== "sha256") return "unusual";
    const prefixes: string[] = [];
    for (const line of this.#arguments) {
      if (line.startsWith(REF_PREFIX)) prefixes.push(line.slice(REF_PREFIX.length));
      else if (!OPTIONS.has(line)) return "unusual";
    }
    const has = (option: string): boolean => this.#arguments.includes(option);
    const options = { peel: has("peel"), symrefs: has("symrefs"), unborn: has("unborn") };
    return { objectFormat, prefixes, ...options };
  }
}
