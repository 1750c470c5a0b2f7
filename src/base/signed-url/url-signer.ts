import { createHmac, timingSafeEqual } from "node:crypto";

/** How a URL is signed; whoever serves the bundles has to know the same. */
export interface UrlSignerOptions {
  /** Where the bundles are served, `https://host/path`. */
  readonly baseUrl: string;
  readonly secret: Uint8Array;
}

const METHOD = "GET";

/** Signs and checks URLs of files as Go CDK's file driver does, so that either may serve them. */
export class UrlSigner {
  readonly #options: UrlSignerOptions;

  constructor(options: UrlSignerOptions) {
    this.#options = options;
  }

  /** @param expirySeconds since 1970 */
  sign(name: string, expirySeconds: number): string {
    const [, address = "", query = "", fragment = ""] =
      /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(this.#options.baseUrl) ?? [];
    const signed = { obj: name, expiry: String(expirySeconds), method: METHOD };
    const signature = this.#signature(signed);
    const values = { ...Object.fromEntries(new URLSearchParams(query)), ...signed, signature };
    return `${address}?${encodeQuery(values)}${fragment}`;
  }

  /**
   * Returns the name that a URL was signed for, or undefined for one that wasn't signed by us or is
   * not valid any more.
   */
  verify(query: URLSearchParams, nowSeconds: number): string | undefined {
    const [obj = "", expiry = "", method = "", signature = ""] = SIGNED.map(
      (key) => query.get(key) ?? "",
    );
    if (method !== METHOD || !/^\d{1,15}$/.test(expiry) || nowSeconds > Number(expiry)) {
      return undefined;
    }
    const expected = Buffer.from(this.#signature({ obj, expiry, method }));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    return obj;
  }

  #signature(values: Readonly<Record<string, string>>): string {
    const text = encodeQuery(values);
    return createHmac("sha256", this.#options.secret).update(text).digest("base64url");
  }
}

const SIGNED = ["obj", "expiry", "method", "signature"] as const;

/** A query in the order of its keys, escaped as Go's net/url does it: the signature is of this text. */
function encodeQuery(values: Readonly<Record<string, string>>): string {
  const keys = Object.keys(values).toSorted();
  return keys.map((key) => `${escapeText(key)}=${escapeText(values[key] ?? "")}`).join("&");
}

function escapeText(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replaceAll("%20", "+");
  return escaped.replaceAll(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
