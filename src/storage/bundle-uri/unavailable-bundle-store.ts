import { DomainError } from "../../base/error/domain-error.ts";
import { quoteText } from "../../base/text/quote-text.ts";
import type { BundleStore } from "./bundle-store.ts";

/** Stands for a place that can't be reached from here: the server starts, no bundle is there. */
export class UnavailableBundleStore implements BundleStore {
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = kind;
  }

  write(): Promise<void> {
    return Promise.reject(this.#refusal());
  }

  exists(): Promise<boolean> {
    return Promise.resolve(false);
  }

  signedUrl(): Promise<string> {
    return Promise.reject(this.#refusal());
  }

  #refusal(): DomainError {
    const message = `object storage ${quoteText(this.#kind)} is not supported`;
    return new DomainError("failed-precondition", message);
  }
}
