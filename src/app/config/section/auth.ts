import { statSync } from "node:fs";
import { at, type Problem, type Reason, unlessFile } from "../problem.ts";
import { type Fields, text, truth, unwritten } from "../shape.ts";

/** `[auth]`: the secret that clients have to know. */
export interface AuthSettings {
  /** Callers without the right token are let in, and counted. */
  readonly transitioning: boolean;
  readonly token: string;
  /** A file with the token, readable by its owner alone. Excludes `token`. */
  readonly tokenFile: string;
  /** The token to check against, wherever it came from; empty when everybody may call. */
  readonly resolvedToken: string;
}

export const AUTH_DEFAULTS: AuthSettings = {
  transitioning: false,
  token: "",
  tokenFile: "",
  resolvedToken: "",
};

export const AUTH_FIELDS: Fields<AuthSettings> = {
  transitioning: truth("transitioning"),
  token: text("token"),
  tokenFile: text("token_file", { json: "TokenFile" }),
  resolvedToken: unwritten(),
};

/** Reads the disk: the token file must be there and private. */
export function checkAuth({ token, tokenFile }: AuthSettings): readonly Problem[] {
  if (tokenFile === "") return [];
  if (token !== "") {
    const message = "token and token_file are mutually exclusive";
    return [{ key: ["token", "token_file"], message }];
  }
  return [
    ...at("token_file", unlessFile(tokenFile)),
    ...at("token_file", unlessPrivate(tokenFile)),
  ];
}

function unlessPrivate(path: string): Reason {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return undefined;
  const permissions = mode & 0o777;
  if (permissions === 0o600 || permissions === 0o400) return undefined;
  const shown = permissions.toString(8).padStart(4, "0");
  return `file permission ${shown} is too permissive, should be 0600 or 0400`;
}
