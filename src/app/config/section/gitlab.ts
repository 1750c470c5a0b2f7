import { join } from "node:path";
import { urlReason } from "../check/url.ts";
import { at, type Problem, under, unlessDirectory, unlessFile, unlessFilled } from "../problem.ts";
import { count, type Fields, table, text } from "../shape.ts";

/** `[gitlab.http-settings]`: how to talk to GitLab over HTTP. */
export interface GitlabHttpSettings {
  /** In seconds; 0 for the built-in limit. */
  readonly readTimeoutSeconds: number;
  readonly user: string;
  readonly password: string;
  readonly caFile: string;
  readonly caPath: string;
}

/** `[gitlab]`: the application that decides who may do what. */
export interface GitlabSettings {
  /** `http://`, `https://` or `http+unix://` with an escaped socket path. */
  readonly url: string;
  /** Where GitLab stands below its socket. */
  readonly relativeUrlRoot: string;
  readonly http: GitlabHttpSettings;
  readonly secretFile: string;
  /** The secret itself. Excludes `secretFile`. */
  readonly secret: string;
}

/** `[gitlab-shell]`: an older place to find the secret and the custom hooks. */
export interface GitlabShellSettings {
  readonly dir: string;
}

export const GITLAB_DEFAULTS: GitlabSettings = {
  url: "",
  relativeUrlRoot: "",
  http: { readTimeoutSeconds: 0, user: "", password: "", caFile: "", caPath: "" },
  secretFile: "",
  secret: "",
};

export const GITLAB_SHELL_DEFAULTS: GitlabShellSettings = { dir: "" };

const HTTP_FIELDS: Fields<GitlabHttpSettings> = {
  readTimeoutSeconds: count("read_timeout", { type: "uint64" }),
  user: text("user"),
  password: text("password"),
  caFile: text("ca_file"),
  caPath: text("ca_path"),
};

export const GITLAB_FIELDS: Fields<GitlabSettings> = {
  url: text("url"),
  relativeUrlRoot: text("relative_url_root"),
  http: table("http-settings", HTTP_FIELDS, { json: "http_settings" }),
  secretFile: text("secret_file"),
  secret: text("secret"),
};

export const GITLAB_SHELL_FIELDS: Fields<GitlabShellSettings> = { dir: text("dir") };

/** Without any secret, it is looked for where gitlab-shell keeps it. */
export function completeGitlab(gitlab: GitlabSettings, shell: GitlabShellSettings): GitlabSettings {
  if (gitlab.secret !== "" || gitlab.secretFile !== "") return gitlab;
  return { ...gitlab, secretFile: join(shell.dir, ".gitlab_shell_secret") };
}

/** Reads the disk. */
export function checkGitlab(gitlab: GitlabSettings): readonly Problem[] {
  const { url, secret, secretFile, http } = gitlab;
  const ambiguous = secret !== "" && secretFile !== "";
  const message = "ambiguous secret configuration";
  return [
    ...at("url", unlessFilled(url) ?? urlReason(url)),
    ...(ambiguous ? [{ key: ["secret", "secret_file"], message }] : []),
    ...(secret === "" ? at("secret_file", unlessFile(secretFile)) : []),
    ...under("http-settings", checkHttp(http)),
  ];
}

function checkHttp({ user, password, caFile, caPath }: GitlabHttpSettings): readonly Problem[] {
  const hasCredentials = user !== "" || password !== "";
  return [
    ...(hasCredentials ? at("user", unlessFilled(user)) : []),
    ...(hasCredentials ? at("password", unlessFilled(password)) : []),
    ...(caFile === "" ? [] : at("ca_file", unlessFile(caFile))),
    ...(caPath === "" ? [] : at("ca_path", unlessDirectory(caPath))),
  ];
}

/** Reads the disk. */
export function checkGitlabShell({ dir }: GitlabShellSettings): readonly Problem[] {
  return dir === "" ? [] : at("dir", unlessDirectory(dir));
}
