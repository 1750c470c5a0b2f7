import type { PacketObserver } from "../../git/negotiation/packfile-negotiation.ts";
import { PktLineParser } from "../../git/pkt-line/pkt-line-parser.ts";
import type { ConfigPair } from "../../gitcmd/git-command.ts";
import type { LocatedRepository } from "../../storage/locator/repository-locator.ts";
import type { ClientInput } from "../common/client-input.ts";
import type { ReferenceLister } from "../common/reference-lister.ts";
import type { UploadAdvertiser } from "../common/upload-advertiser.ts";
import type { Exchange } from "../common/upload-command.ts";

export interface ReferenceTalkParts {
  readonly advertiser: UploadAdvertiser;
  readonly lister: ReferenceLister;
}

/** A fetch in version 2 of the protocol. */
export interface ReferenceTalk {
  readonly repository: LocatedRepository;
  /** The request's own settings. */
  readonly options: readonly ConfigPair[];
  /** Those together with what is said of bundles. */
  readonly advertisedOptions: readonly ConfigPair[];
  readonly input: ClientInput;
  readonly output: Exchange["output"];
  /** Is told of what was answered. */
  readonly observer: PacketObserver;
  /** When it is aborted, the rest is left to git. */
  readonly signal: AbortSignal;
}

/**
 * Talks to a client as long as it only asks for references. Returns how far that went: git has to
 * serve everything, or what follows the advertisement, or nothing, since the client has ended.
 */
export async function talkOfReferences(
  { advertiser, lister }: ReferenceTalkParts,
  talk: ReferenceTalk,
): Promise<"nothing" | "advertised" | "all"> {
  const { repository, options, advertisedOptions, input, output, observer, signal } = talk;
  const capabilities = await advertiser.advertise(repository, advertisedOptions, "version=2");
  if (capabilities === undefined) return "nothing";
  for (const piece of capabilities) await output(piece);
  for (;;) {
    const answer = await lister.answer(repository, options, input, signal);
    if (answer === undefined) return "advertised";
    for (const chunk of input.takeRead()) observer.feed(chunk);
    if (answer === "end") return "all";
    for (const piece of answer) await output(piece);
  }
}

/** Passes on what git says after its advertisement, which the client has been shown. */
export function withoutAdvertisement(output: Exchange["output"]): Exchange["output"] {
  const parser = new PktLineParser();
  let isOver = false;
  return async (chunk) => {
    if (isOver) return output(chunk);
    // The memory of the chunk is given back.
    parser.push(Buffer.from(chunk));
    for (;;) {
      const packet = parser.next();
      if (packet === undefined) return;
      if (packet.kind === "flush") break;
    }
    isOver = true;
    for (const rest of parser.takeRest()) await output(rest);
  };
}
