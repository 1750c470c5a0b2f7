import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { systemErrorText } from "../../../base/error/system-error-text.ts";

/** Where certificate and key are: the key in a file, or here in PEM. */
export interface CertificateSource {
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly key: string;
}

/** What is wrong with a certificate and its key, and which of the two to look at. */
export interface CertificateProblem {
  readonly concerns: "certificate" | "key";
  readonly reason: string;
}

interface PemBlock {
  readonly type: string;
  readonly text: string;
}

/** Bounds the type of a PEM block, which makes the expression below linear in practice. */
const PEM_BLOCK = /-----BEGIN ([^\n-]{0,64})-----[^-]*-----END \1-----/g;

/**
 * Reads the certificate chain and the key and compares them, as the TLS listener will.
 *
 * Returns undefined when they belong together.
 */
export function certificateReason(source: CertificateSource): CertificateProblem | undefined {
  try {
    const certificate = readFileSync(source.certificatePath, "latin1");
    const key = source.key === "" ? readFileSync(source.keyPath, "latin1") : source.key;
    const problem = pairProblem(certificate, key);
    if (problem === undefined) return undefined;
    return { ...problem, reason: `loading x509 keypair: ${problem.reason}` };
  } catch (error) {
    return { concerns: "key", reason: `loading x509 keypair: ${systemErrorText(error)}` };
  }
}

function pairProblem(certificatePem: string, keyPem: string): CertificateProblem | undefined {
  const certificates = readBlocks(certificatePem);
  const certificate = certificates.find(({ type }) => type === "CERTIFICATE");
  if (certificate === undefined)
    return { concerns: "certificate", reason: noCertificate(certificates) };
  const keys = readBlocks(keyPem);
  const key = keys.find(({ type }) => isKeyType(type));
  if (key === undefined) return { concerns: "key", reason: noKey(keys) };
  const parsedCertificate = attempt(() => new X509Certificate(certificate.text));
  if (parsedCertificate === undefined)
    return { concerns: "key", reason: "x509: malformed certificate" };
  const parsedKey = attempt(() => createPrivateKey(key.text));
  if (parsedKey === undefined)
    return { concerns: "key", reason: "tls: failed to parse private key" };
  const reason = mismatchReason(parsedCertificate, parsedKey);
  return reason === undefined ? undefined : { concerns: "key", reason };
}

function readBlocks(pem: string): readonly PemBlock[] {
  return Array.from(pem.matchAll(PEM_BLOCK), ([text, type = ""]) => ({ type, text }));
}

function isKeyType(type: string): boolean {
  return type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY");
}

function noCertificate(blocks: readonly PemBlock[]): string {
  const [first, ...more] = blocks;
  if (first === undefined) return "tls: failed to find any PEM data in certificate input";
  if (more.length === 0 && first.type.endsWith("PRIVATE KEY")) {
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  }
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${typeList(blocks)}`;
}

function noKey(blocks: readonly PemBlock[]): string {
  const [first, ...more] = blocks;
  if (first === undefined) return "tls: failed to find any PEM data in key input";
  if (more.length === 0 && first.type === "CERTIFICATE") {
    return "tls: found a certificate rather than a key in the PEM for the private key";
  }
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${typeList(blocks)}`;
}

function typeList(blocks: readonly PemBlock[]): string {
  return `[${blocks.map(({ type }) => type).join(" ")}]`;
}

function mismatchReason(certificate: X509Certificate, key: KeyObject): string | undefined {
  if (certificate.publicKey.asymmetricKeyType !== key.asymmetricKeyType) {
    return "tls: private key type does not match public key type";
  }
  if (certificate.checkPrivateKey(key)) return undefined;
  return "tls: private key does not match public key";
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
