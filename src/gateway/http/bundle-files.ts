import { type FileHandle, open } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UrlSigner } from "../../base/signed-url/url-signer.ts";

/** Where bundles are that a server behind the gateway has made. */
export interface BundleFolder {
  /** Absolute path. */
  readonly folder: string;
  /** What the server signs URLs with. */
  readonly secret: Uint8Array;
}

/** The path below which bundles are served; no repository can have it. */
const BUNDLES_PATH = "/-/bundles?";

/** What the server's names of bundles look like, as far as they are names of files too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is not let through
const NAME = /^(?!.*\.\.)(?!.*\/\/)[^/\0-\x1f][^\0-\x1f]*\.bundle$/;

/** Serves bundles to whoever has a URL that the server has signed. */
export class BundleFiles {
  readonly #folder: string;
  readonly #signer: UrlSigner;

  constructor({ folder, secret }: BundleFolder) {
    this.#folder = folder;
    this.#signer = new UrlSigner({ baseUrl: "", secret });
  }

  /**
   * Answers a request for a bundle. Returns false when the URL is none for a bundle that is there,
   * or is not valid any more.
   */
  async answer(url: string, response: ServerResponse, signal: AbortSignal): Promise<boolean> {
    if (!url.startsWith(BUNDLES_PATH)) return false;
    const query = new URLSearchParams(url.slice(BUNDLES_PATH.length));
    const name = this.#signer.verify(query, Math.floor(Date.now() / 1000));
    if (name === undefined || !NAME.test(name)) return false;
    await using file = await openFile(join(this.#folder, name));
    if (file === undefined) return false;
    const found = await file.stat();
    if (!found.isFile()) return false;
    response.setHeader("Content-Type", "application/octet-stream");
    response.setHeader("Cache-Control", "no-store, no-transform");
    response.setHeader("Content-Length", found.size);
    // The file stays as it was opened: the server puts another one in its place.
    await pipeline(file.createReadStream({ autoClose: false }), response, { signal });
    return true;
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch {
    return undefined;
  }
}
