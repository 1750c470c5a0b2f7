import { timingSafeEqual } from "node:crypto";

/** Who a client is to GitLab's hooks. */
export interface Identity {
  /** `GL_ID` of the hooks. */
  readonly id: string;
  readonly username: string;
}

/** A token that admits a client over HTTP. */
export interface ClientToken {
  readonly username: string;
  readonly token: string;
}

/** Everybody, where nobody has to say who they are. */
export const ANONYMOUS: Identity = { id: "user-anonymous", username: "anonymous" };

/** Decides by the `Authorization` header who is admitted. */
export class HttpAccess {
  readonly #tokens: readonly ClientToken[];

  /** @param tokens without any, everybody is admitted */
  constructor(tokens: readonly ClientToken[]) {
    this.#tokens = tokens;
  }

  /**
   * Takes `Bearer TOKEN`, and `Basic` with the token as the password or, when there is no
   * password, as the user name. Returns undefined when the client is not admitted.
   */
  admit(authorization: string | undefined): Identity | undefined {
    if (this.#tokens.length === 0) return ANONYMOUS;
    const presented = presentedToken(authorization ?? "");
    if (presented === undefined) return undefined;
    const match = this.#tokens.filter(({ token }) => sameSecret(token, presented)).at(0);
    if (match === undefined) return undefined;
    return { id: `username-${match.username}`, username: match.username };
  }
}

function presentedToken(authorization: string): string | undefined {
  const [, scheme = "", credentials = ""] = /^(\w+) +(\S+)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return credentials;
    case "basic": {
      const [username = "", ...rest] = Buffer.from(credentials, "base64").toString().split(":");
      const password = rest.join(":");
      return password === "" ? username : password;
    }
    default:
      return undefined;
  }
}

/** Compares in a time that tells nothing about where the two differ. */
function sameSecret(expected: string, presented: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(presented);
  return a.length === b.length && timingSafeEqual(a, b);
}
