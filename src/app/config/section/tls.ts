import { certificateReason } from "../check/certificate.ts";
import { at, type Problem, unlessFile } from "../problem.ts";
import { choice, type Fields, text } from "../shape.ts";

/** A protocol version by the name that Node's TLS options take. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** `[tls]`: how the encrypted listener identifies itself. */
export interface TlsSettings {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** The key itself in PEM. Excludes `keyPath`. */
  readonly key: string;
  readonly minVersion: TlsVersion;
}

export const TLS_DEFAULTS: TlsSettings = {
  certificatePath: "",
  keyPath: "",
  key: "",
  minVersion: "TLSv1.2",
};

const VERSIONS: ReadonlyMap<string, TlsVersion> = new Map([
  ["TLS 1.2", "TLSv1.2"],
  ["TLS 1.3", "TLSv1.3"],
]);

export const TLS_FIELDS: Fields<TlsSettings> = {
  certificatePath: text("certificate_path", { json: "cert_path" }),
  keyPath: text("key_path"),
  key: text("key"),
  minVersion: choice(
    "min_version",
    VERSIONS,
    (written) => `unsupported TLS version: ${JSON.stringify(written)}`,
  ),
};

/** Reads the disk: certificate and key must be there and belong together. */
export function checkTls(tls: TlsSettings): readonly Problem[] {
  const { certificatePath, keyPath, key } = tls;
  if (certificatePath === "" && keyPath === "" && key === "") return [];
  if (key !== "" && keyPath !== "") {
    return [{ key: ["key_path", "key"], message: "key_path and key cannot both be set" }];
  }
  const missing = [
    ...at("certificate_path", unlessFile(certificatePath)),
    ...(key === "" ? at("key_path", unlessFile(keyPath)) : []),
  ];
  if (missing.length > 0) return missing;
  const problem = certificateReason(tls);
  if (problem === undefined) return [];
  const keyField = key === "" ? "key_path" : "key";
  return at(problem.concerns === "certificate" ? "certificate_path" : keyField, problem.reason);
}
