import { readFileSync } from "node:fs";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { isOpensshKey, opensshPublicKey } from "../../git/signing/openssh-public-key.ts";
import { isSshSignature } from "../../git/signing/ssh-signature.ts";
import { RpcError, wrapError } from "../../rpc/rpc-error.ts";

/** Paths of the private keys that sign commits, or did so before; the first is empty without any. */
export interface SigningKeyPaths {
  readonly signingKeyPath: string;
  readonly rotatedSigningKeyPaths: readonly string[];
}

/**
 * Returns what tells whether a signature is one of the server's own. Signatures of OpenPGP keys
 * aren't recognized.
 */
export function systemSignatureCheck({
  signingKeyPath,
  rotatedSigningKeyPaths,
}: SigningKeyPaths): (signature: Buffer, payload: Buffer) => boolean {
  if (signingKeyPath === "") return () => false;
  const keys = [signingKeyPath, ...rotatedSigningKeyPaths].flatMap(readPublicKey);
  return (signature, payload) => keys.some((key) => isSshSignature(key, signature, payload));
}

function readPublicKey(path: string): string[] {
  try {
    const key = readKey(path);
    return isOpensshKey(key) ? [opensshPublicKey(key)] : [];
  } catch (error) {
    throw wrapError("unknown", "failed to parse signing key", error);
  }
}

function readKey(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    throw new RpcError("unknown", `open file: ${systemErrorText(error)}`, { cause: error });
  }
}
