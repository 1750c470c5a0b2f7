import { DomainError } from "../../base/error/domain-error.ts";

/** A place for bundles that clients download by themselves. Names are paths such as `a/b.bundle`. */
export interface BundleStore {
  /** Stores a bundle; it is there, and replaces one of the same name, only when all of it is. */
  write(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  exists(path: string, signal: AbortSignal): Promise<boolean>;
  /** Makes a URL by which whoever knows it may download the bundle for some time. */
  signedUrl(path: string, lifetimeMs: number, signal: AbortSignal): Promise<string>;
}

/** The configured place for bundles isn't one, or isn't one for this program. */
export class BundleStoreError extends DomainError {
  constructor(message: string, options?: ErrorOptions) {
    super("failed-precondition", `create bundle-URI sink: open bucket: ${message}`, options);
  }
}

/** Whoever keeps the bundles can't make URLs for them. */
export class UnsignedBundleError extends DomainError {
  constructor(message: string) {
    super("unimplemented", `signed URL: ${message}`);
  }
}
