import { readFileSync } from "node:fs";
import { systemErrorText } from "../base/error/system-error-text.ts";
import { ApiError } from "./api-error.ts";
import type { ClientCertificate } from "./api-settings.ts";

/** The server's certificate: paths of PEM files, or the key itself. Empty without. */
export interface CertificateFiles {
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly key: string;
}

/**
 * The server shows GitLab the certificate that it shows its clients; undefined without one. Throws an
 * ApiError when it can't be read.
 */
export function clientCertificate({
  certificatePath,
  keyPath,
  key,
}: CertificateFiles): ClientCertificate | undefined {
  if (certificatePath === "" || (keyPath === "" && key === "")) return undefined;
  try {
    return {
      certificate: readFileSync(certificatePath),
      key: key === "" ? readFileSync(keyPath) : key,
    };
  } catch (error) {
    throw new ApiError(`loading certificate: ${systemErrorText(error)}`, error);
  }
}
