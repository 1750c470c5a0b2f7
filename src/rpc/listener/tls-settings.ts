import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureVersion } from "node:tls";
import { DomainError } from "../../base/error/domain-error.ts";

/** The oldest version of TLS that clients may use, as the configuration spells it. */
export type TlsVersion = "TLS 1.2" | "TLS 1.3";

/** Where the server's certificate and its key are: the key in a file or given itself. */
export interface TlsSettings {
  readonly certificatePath: string;
  readonly key: { readonly path: string } | { readonly pem: string };
  readonly minVersion: TlsVersion;
}

/** A certificate with its key, ready to be used. */
export interface TlsIdentity {
  readonly certificate: Buffer;
  readonly key: Buffer | string;
  readonly minVersion: SecureVersion;
}

const VERSIONS: Readonly<Record<TlsVersion, SecureVersion>> = {
  "TLS 1.2": "TLSv1.2",
  "TLS 1.3": "TLSv1.3",
};

/** The certificate or the key can't be read, is no PEM, or they don't belong together. */
export class TlsIdentityError extends DomainError {
  /** Which setting is to blame. */
  readonly setting: "certificate_path" | "key_path" | "key";

  constructor(setting: TlsIdentityError["setting"], message: string, cause: unknown) {
    super("failed-precondition", message, { cause });
    this.setting = setting;
  }
}

/** Reads certificate and key and checks that they belong together. */
export async function readTlsIdentity(settings: TlsSettings): Promise<TlsIdentity> {
  const certificate = await readFile(settings.certificatePath).catch((error: unknown) => {
    throw new TlsIdentityError("certificate_path", "reading certificate_path", error);
  });
  const keySetting = "path" in settings.key ? "key_path" : "key";
  const key = "path" in settings.key ? await readKey(settings.key.path) : settings.key.pem;
  check("certificate_path", () => createSecureContext({ cert: certificate }));
  check(keySetting, () => createSecureContext({ cert: certificate, key }));
  return { certificate, key, minVersion: VERSIONS[settings.minVersion] };
}

async function readKey(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new TlsIdentityError("key_path", "reading key_path", error);
  });
}

function check(setting: TlsIdentityError["setting"], load: () => unknown): void {
  try {
    load();
  } catch (error) {
    throw new TlsIdentityError(setting, "loading x509 keypair", error);
  }
}
