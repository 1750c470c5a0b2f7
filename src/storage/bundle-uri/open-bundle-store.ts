import { mkdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { isMissing, systemErrorText } from "../../base/error/system-error-text.ts";
import { UrlSigner } from "../../base/signed-url/url-signer.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import { SinkError } from "../backup/backup-sink.ts";
import { openObjectStore, type SinkOptions } from "../backup/open-sink.ts";
import { type BundleStore, BundleStoreError } from "./bundle-store.ts";
import { FolderBundleStore } from "./folder-bundle-store.ts";
import { UnavailableBundleStore } from "./unavailable-bundle-store.ts";

/** Kinds of object storage that the protocol's servers know, but this one doesn't. */
const UNAVAILABLE: ReadonlySet<string> = new Set(["azblob", "gs", "mem"]);

const PARAMETERS: ReadonlySet<string> = new Set([
  "create_dir",
  "base_url",
  "secret_key_path",
  "metadata",
  "no_tmp_dir",
  "dir_file_mode",
]);

/**
 * Finds out where bundles are kept, from a URL as Go CDK has it:
 * `file:///folder?base_url=https://host/path&secret_key_path=/file`, or that of an object storage.
 *
 * @param environment where credentials for an object storage are
 * @throws BundleStoreError
 */
export function openBundleStore(url: string, environment: SinkOptions["environment"]): BundleStore {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    throw new BundleStoreError(`open blob.Bucket: no scheme in URL ${quoteText(url)}`);
  }
  if (scheme === "file") return openFolder(url);
  const store = openObjects(url, environment);
  if (store !== undefined) return store;
  if (UNAVAILABLE.has(scheme)) return new UnavailableBundleStore(scheme);
  throw new BundleStoreError(
    `open blob.Bucket: no driver registered for ${quoteText(scheme)} for URL ${quoteText(url)}; ` +
      "available schemes: azblob, file, gs, mem, s3",
  );
}

function openObjects(
  url: string,
  environment: SinkOptions["environment"],
): BundleStore | undefined {
  try {
    return openObjectStore(url, { environment, bufferBytes: 0 });
  } catch (error) {
    if (!(error instanceof SinkError)) throw error;
    throw new BundleStoreError(error.reason, { cause: error });
  }
}

function openFolder(url: string): BundleStore {
  const parsed = new URL(url);
  const query = parsed.searchParams;
  const refuse = (reason: string): never => {
    throw new BundleStoreError(`open bucket ${url}: ${reason}`);
  };
  for (const key of query.keys()) {
    if (!PARAMETERS.has(key)) refuse(`invalid query parameter ${quoteText(key)}`);
  }
  const metadata = query.get("metadata") ?? "";
  if (metadata !== "" && metadata !== "skip") {
    refuse("fileblob.OpenBucket: unsupported value for query parameter 'metadata'");
  }
  const baseUrl = query.get("base_url") ?? "";
  const secretPath = query.get("secret_key_path") ?? "";
  if ((baseUrl === "") !== (secretPath === "")) {
    refuse("fileblob.OpenBucket: must supply both base_url and secret_key_path query parameters");
  }
  const path = decodeURIComponent(parsed.pathname);
  const root = resolve(parsed.host === "." ? path.slice(1) : path);
  ensureFolder(root, (query.get("create_dir") ?? "") !== "");
  const signer =
    baseUrl === "" ? undefined : new UrlSigner({ baseUrl, secret: secretOf(url, secretPath) });
  return new FolderBundleStore({ root, signer, writesAttributes: metadata !== "skip" });
}

function secretOf(url: string, path: string): Uint8Array {
  let secret: Buffer;
  try {
    secret = readFileSync(path);
  } catch (error) {
    throw new BundleStoreError(`open bucket ${url}: ${systemErrorText(error)}`, { cause: error });
  }
  if (secret.length > 0) return secret;
  throw new BundleStoreError(`open bucket ${url}: ${path}: the key is empty`);
}

function ensureFolder(root: string, create: boolean): void {
  let found: Stats;
  try {
    if (create) mkdirSync(root, { recursive: true, mode: 0o777 });
    found = statSync(root);
  } catch (error) {
    const reason = isMissing(error)
      ? `stat ${root}: no such file or directory`
      : systemErrorText(error);
    throw new BundleStoreError(reason, { cause: error });
  }
  if (!found.isDirectory()) throw new BundleStoreError(`${root} is not a directory`);
}
