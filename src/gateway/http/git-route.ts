import type { TransferService } from "../backend/git-backend.ts";

/** What a request of git's smart HTTP protocol (gitprotocol-http) asks for. */
export type GitRoute =
  | { readonly kind: "info-refs"; readonly service: TransferService; readonly path: string }
  | { readonly kind: "post"; readonly service: TransferService; readonly path: string };

/** Reads method and URL. Returns undefined for whatever is no smart HTTP request. */
export function parseGitRoute(method: string, url: string): GitRoute | undefined {
  const [encodedPath = "", query = ""] = url.split("?", 2);
  const pathname = decode(encodedPath);
  if (pathname === undefined) return undefined;
  if ((method === "GET" || method === "HEAD") && pathname.endsWith("/info/refs")) {
    const service = parseService(new URLSearchParams(query).get("service") ?? "");
    const path = pathname.slice(0, -"/info/refs".length);
    return service && { kind: "info-refs", service, path };
  }
  if (method !== "POST") return undefined;
  const slash = pathname.lastIndexOf("/");
  const service = parseService(pathname.slice(slash + 1));
  return service && { kind: "post", service, path: pathname.slice(0, slash) };
}

function parseService(name: string): TransferService | undefined {
  if (name === "git-upload-pack") return "upload-pack";
  return name === "git-receive-pack" ? "receive-pack" : undefined;
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
