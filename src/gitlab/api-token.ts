import { SignJWT } from "jose";

/** How long a token is good for. */
const TOKEN_SECONDS = 60;

/** Makes the tokens that show GitLab that a request comes from one who knows the secret. */
export class ApiTokens {
  readonly #key: Uint8Array;
  #latest: { readonly issued: number; readonly token: Promise<string> } | undefined;

  /** @param secret white space around it doesn't count */
  constructor(secret: string) {
    const key = Buffer.from(secret.trim());
    // Zeros fill up the key of an HMAC, so one of them signs as no key does; that one isn't taken.
    this.#key = key.length === 0 ? Buffer.alloc(1) : key;
  }

  /** All tokens of a second are the same, so they are made once. */
  create(now: Date = new Date()): Promise<string> {
    const issued = Math.trunc(now.getTime() / 1000);
    if (this.#latest?.issued === issued) return this.#latest.token;
    const token = this.#sign(issued);
    this.#latest = { issued, token };
    return token;
  }

  #sign(issued: number): Promise<string> {
    return new SignJWT()
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setIssuer("gitlab-shell")
      .setIssuedAt(issued)
      .setExpirationTime(issued + TOKEN_SECONDS)
      .sign(this.#key);
  }
}
