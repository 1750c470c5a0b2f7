import { createHash } from "node:crypto";
import type { UrlSigner } from "../../base/signed-url/url-signer.ts";
import { FolderSink } from "../backup/folder-sink.ts";
import { type BundleStore, UnsignedBundleError } from "./bundle-store.ts";

export interface FolderBundleStoreOptions {
  /** Absolute path of a folder that is there. */
  readonly root: string;
  /** Undefined where nobody serves the bundles. */
  readonly signer: UrlSigner | undefined;
  /** Whether a file beside each bundle tells how to serve it. */
  readonly writesAttributes: boolean;
}

/** Keeps bundles in files below a folder, laid out as Go CDK's file driver does it. */
export class FolderBundleStore implements BundleStore {
  readonly #options: FolderBundleStoreOptions;
  readonly #sink: FolderSink;

  constructor(options: FolderBundleStoreOptions) {
    this.#options = options;
    this.#sink = new FolderSink(options.root);
  }

  async write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    if (!this.#options.writesAttributes) {
      await this.#sink.write(path, pieces, signal);
      return;
    }
    const hash = createHash("md5");
    await this.#sink.write(path, hashed(pieces, hash), signal);
    const attributes = attributesText(hash.digest("base64"));
    await this.#sink.write(`${path}.attrs`, only(attributes), signal);
  }

  exists(path: string): Promise<boolean> {
    return this.#sink.exists(path);
  }

  async signedUrl(path: string, lifetimeMs: number): Promise<string> {
    const { signer } = this.#options;
    if (signer === undefined) {
      throw new UnsignedBundleError(
        "fileblob.SignedURL: bucket does not have an Options.URLSigner",
      );
    }
    return signer.sign(path, Math.floor((Date.now() + lifetimeMs) / 1000));
  }
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  hash: { update(piece: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/** What a server of the folder should say with a bundle: it may be another one the next time. */
function attributesText(md5: string): Uint8Array {
  const attributes = {
    "user.cache_control": "no-store, no-transform",
    "user.content_disposition": "",
    "user.content_encoding": "",
    "user.content_language": "",
    "user.content_type": "application/octet-stream",
    "user.metadata": null,
    md5,
  };
  return Buffer.from(`${JSON.stringify(attributes)}\n`);
}

async function* only(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield content;
}
