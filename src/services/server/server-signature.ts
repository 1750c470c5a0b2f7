import { readFileSync } from "node:fs";
import { systemErrorText } from "../../base/error/system-error-text.ts";
import { isOpensshKey, opensshPublicKey } from "../../git/signing/openssh-public-key.ts";
import type { ServerService } from "../../proto/server_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";

/** The path of the private key that signs commits; empty when nothing is signed. */
type Needs = { readonly signingKeyPath: string };
type ServerSignature = Handler<typeof ServerService.method.serverSignature>;

/** Tells the public key of the server's signatures, which is empty when it doesn't sign. */
export function serverSignature({ signingKeyPath }: Needs): ServerSignature {
  return async () => {
    if (signingKeyPath === "") return {};
    const key = readKey(signingKeyPath);
    if (!isOpensshKey(key)) {
      throw internal("failed to fetch public key: gpg public key not implemented");
    }
    try {
      return { publicKey: Buffer.from(opensshPublicKey(key)) };
    } catch (error) {
      throw wrapError("internal", "failed to parse signing key", error);
    }
  };
}

function readKey(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const message = `failed to parse signing key: open file: ${systemErrorText(error)}`;
    throw internal(message, { cause: error });
  }
}
