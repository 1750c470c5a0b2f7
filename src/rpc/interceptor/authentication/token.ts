import { createHmac, timingSafeEqual } from "node:crypto";
import { quoteText } from "../../../base/text/quote-text.ts";
import type { RequestMetadata } from "../../call.ts";

/** A bearer token in parts: `VERSION.SIGNATURE.MESSAGE`. */
export interface Authorization {
  readonly version: string;
  readonly signature: Uint8Array;
  /** The time of issue in seconds, as a decimal number, when the token is in order. */
  readonly message: string;
}

/** How far the clocks of client and server may be apart, and how long a token may travel. */
export const TOKEN_VALIDITY_MS = 30_000;

/** Signatures remembered; callers issue one token a second at most. */
const SIGNATURES_MAX = 64;

const INT64_MAX = (1n << 63n) - 1n;

/** Reads the token of a call; undefined when there is none or it has another form. */
export function readAuthorization(metadata: RequestMetadata): Authorization | undefined {
  const [header = ""] = metadata.getAll("authorization");
  const [scheme, token] = cut(header, " ");
  if (token === undefined || scheme.toLowerCase() !== "bearer") return undefined;
  const [version, rest = ""] = cut(token, ".");
  const [hex, message] = cut(rest, ".");
  if (message === undefined || !/^(?:[0-9a-f]{2})*$/i.test(hex)) return undefined;
  return { version, signature: Buffer.from(hex, "hex"), message };
}

function cut(text: string, separator: string): [before: string, after: string | undefined] {
  const index = text.indexOf(separator);
  if (index < 0) return [text, undefined];
  return [text.slice(0, index), text.slice(index + 1)];
}

/** Why a token is refused: `reason` for the metrics, `message` for the caller. */
export interface TokenRefusal {
  readonly reason: string;
  readonly message: string;
}

/** Compares the tokens of one server with its secret. */
export class TokenVerifier {
  readonly #secret: string;
  /** Of good tokens only, so that nobody but a caller who knows the secret can add to it. */
  readonly #signatures = new Map<string, Uint8Array>();

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Undefined when the token is good at the time given. */
  verify({ signature, message }: Authorization, nowMs: number): TokenRefusal | undefined {
    const expected = this.#signatures.get(message) ?? this.#sign(message);
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return refusal("wrong hmac signature");
    }
    this.#remember(message, expected);
    return checkTime(message, nowMs);
  }

  #sign(message: string): Uint8Array {
    return createHmac("sha256", this.#secret).update(message).digest();
  }

  #remember(message: string, signature: Uint8Array): void {
    if (this.#signatures.has(message)) return;
    if (this.#signatures.size >= SIGNATURES_MAX) this.#signatures.clear();
    this.#signatures.set(message, signature);
  }
}

function checkTime(message: string, nowMs: number): TokenRefusal | undefined {
  const problem = timestampProblem(message);
  if (problem !== undefined) {
    const reason = "cannot parse timestamp";
    return refusal(
      reason,
      `${reason}: strconv.ParseInt: parsing ${quoteText(message)}: ${problem}`,
    );
  }
  const issuedAtMs = Number(message) * 1000;
  if (issuedAtMs < nowMs - TOKEN_VALIDITY_MS) return refusal("token has expired");
  if (issuedAtMs > nowMs + TOKEN_VALIDITY_MS) {
    return refusal("token's validity window is in future");
  }
  return undefined;
}

function timestampProblem(message: string): string | undefined {
  if (!/^[+-]?[0-9]+$/.test(message)) return "invalid syntax";
  const value = BigInt(message.replace("+", ""));
  return value > INT64_MAX || value < -INT64_MAX - 1n ? "value out of range" : undefined;
}

function refusal(reason: string, detail: string = reason): TokenRefusal {
  return { reason, message: `permission denied: ${detail}` };
}
