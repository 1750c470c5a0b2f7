/** RPCs whose lines may hold the URL of somebody else's server, with credentials. */
const METHODS_WITH_URLS: ReadonlySet<unknown> = new Set([
  "CreateRepositoryFromURL",
  "FetchRemote",
  "UpdateRemoteMirror",
]);

/** Scheme (optional), `user:password@`, then a host by name or as a bracketed address. */
const CREDENTIALS =
  /([a-z][a-z0-9+\-.]{0,31}:\/\/)?([a-z0-9\-._~%!$&'()*+,;=:]+@)([a-z0-9\-._~%]+|\[[a-z0-9\-._~%!$&'()*+,;=:]+\])/gi;

/** Whether lines with this value of `grpc.method` need `redactUrls`. */
export function mayHoldUrls(method: unknown): boolean {
  return METHODS_WITH_URLS.has(method);
}

/** Replaces the user information of every URL in `text`. */
export function redactUrls(text: string): string {
  // Without an @ there is nothing to find, and the expression would try every place for nothing.
  return text.includes("@") ? text.replace(CREDENTIALS, "$1[FILTERED]@$3") : text;
}
