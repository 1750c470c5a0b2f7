import { createHmac } from "node:crypto";

/**
 * The value of the `authorization` header that proves knowledge of `secret` at the time given.
 *
 * Version 2 of Gitaly's tokens: a hexadecimal HMAC-SHA256 of the time of issue in seconds. A
 * server accepts it for 30 seconds, so it is made anew for each call.
 */
export function authorizationHeader(secret: string, nowMs: number): string {
  const issuedAt = Math.floor(nowMs / 1000).toString();
  const signature = createHmac("sha256", secret).update(issuedAt).digest("hex");
  return `Bearer v2.${signature}.${issuedAt}`;
}
