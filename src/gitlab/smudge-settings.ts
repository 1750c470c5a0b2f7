import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { parseBody, text } from "./api-reply.ts";
import type { ApiSettings } from "./api-settings.ts";
import type { CertificateFiles } from "./client-certificate.ts";

/** How the program that replaces pointers of Git LFS reaches GitLab. */
export interface SmudgeSettings {
  /** The repository as GitLab knows it. */
  readonly glRepository: string;
  readonly gitlab: ApiSettings;
  readonly tls: CertificateFiles;
  /** A filter takes one pointer as its input; a process speaks with git about many. */
  readonly driver: "filter" | "process";
}

const VARIABLE = "GITALY_LFS_SMUDGE_CONFIG";

const DRIVERS = ["filter", "process"] as const;

const GITLAB = z.object({
  url: text,
  relative_url_root: text,
  http_settings: z.object({
    read_timeout: z.number().optional(),
    user: text,
    password: text,
    ca_file: text,
    ca_path: text,
  }),
  secret_file: text,
  secret: text,
});
const TLS = z.object({ cert_path: text, key_path: text, key: text });
const SETTINGS = z.object({
  gl_repository: text,
  gitlab: GITLAB,
  tls: TLS,
  driver_type: z.number().int().min(0).max(1).default(0),
});

/** The settings as an environment variable, which the original's program reads as well. */
export function smudgeEnvironment({
  glRepository,
  gitlab,
  tls,
  driver,
}: SmudgeSettings): Record<string, string> {
  const { http } = gitlab;
  const settings = {
    gl_repository: glRepository,
    gitlab: {
      url: gitlab.url,
      relative_url_root: gitlab.relativeUrlRoot,
      http_settings: {
        read_timeout: http.readTimeoutSeconds,
        user: http.user,
        password: http.password,
        ca_file: http.caFile,
        ca_path: http.caPath,
      },
      secret_file: gitlab.secretFile,
      secret: gitlab.secret,
    },
    tls: { cert_path: tls.certificatePath, key_path: tls.keyPath, key: tls.key },
    driver_type: DRIVERS.indexOf(driver),
  };
  return { [VARIABLE]: JSON.stringify(settings) };
}

/** Reads the settings, also where older servers had them. Throws an ApiError when they are missing. */
export function smudgeSettings(
  environment: Readonly<Record<string, string | undefined>>,
): SmudgeSettings {
  const whole = environment[VARIABLE] ?? "";
  if (whole !== "") {
    const fields = parseBody(Buffer.from(whole), SETTINGS, "unable to unmarshal config");
    return {
      glRepository: fields.gl_repository,
      gitlab: gitlabSettings(fields.gitlab),
      tls: certificateFiles(fields.tls),
      driver: DRIVERS[fields.driver_type] ?? "filter",
    };
  }
  const glRepository = environment["GL_REPOSITORY"] ?? "";
  if (glRepository === "") {
    throw new ApiError("error loading project: GL_REPOSITORY is not defined");
  }
  const part = (name: string): Buffer => {
    const value = environment[name] ?? "";
    if (value === "") throw new ApiError(`unable to retrieve ${name}`);
    return Buffer.from(value);
  };
  const doing = (name: string): string => `unable to unmarshal ${name}`;
  const gitlab = parseBody(part("GL_INTERNAL_CONFIG"), GITLAB, doing("GL_INTERNAL_CONFIG"));
  const tls = parseBody(part("GITALY_TLS"), TLS, doing("GITALY_TLS"));
  return {
    glRepository,
    gitlab: gitlabSettings(gitlab),
    tls: certificateFiles(tls),
    driver: "filter",
  };
}

function gitlabSettings(fields: z.output<typeof GITLAB>): ApiSettings {
  const { http_settings: http } = fields;
  return {
    url: fields.url,
    relativeUrlRoot: fields.relative_url_root,
    http: {
      readTimeoutSeconds: http.read_timeout ?? 0,
      user: http.user,
      password: http.password,
      caFile: http.ca_file,
      caPath: http.ca_path,
    },
    secretFile: fields.secret_file,
    secret: fields.secret,
  };
}

function certificateFiles(fields: z.output<typeof TLS>): CertificateFiles {
  return { certificatePath: fields.cert_path, keyPath: fields.key_path, key: fields.key };
}
