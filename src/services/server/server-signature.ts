import type { CommitSigner } from "../../git/signing/commit-signer.ts";
import type { ServerService } from "../../proto/server_pb.ts";
import type { Handler } from "../../rpc/handler.ts";
import { internal, wrapError } from "../../rpc/rpc-error.ts";

/** Signs what the server makes; undefined when nothing is signed. */
type Needs = { readonly signer: CommitSigner | undefined };
type ServerSignature = Handler<typeof ServerService.method.serverSignature>;

/** Tells the public key of the server's signatures, which is empty when it doesn't sign. */
export function serverSignature({ signer }: Needs): ServerSignature {
  return async () => {
    if (signer === undefined) return {};
    const key = publicKey(signer);
    if (key === undefined) {
      throw internal("failed to fetch public key: gpg public key not implemented");
    }
    return { publicKey: Buffer.from(key) };
  };
}

function publicKey(signer: CommitSigner): string | undefined {
  try {
    return signer.publicKey();
  } catch (error) {
    throw wrapError("internal", "failed to parse signing key", error);
  }
}
