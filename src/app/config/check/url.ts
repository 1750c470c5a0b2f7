import { isIPv4, isIPv6 } from "node:net";
import { quoteText } from "../../../base/text/quote-text.ts";

/** The text is no URL; thrown and caught within this file. */
class UrlSyntaxError extends Error {}

/**
 * Why the reference server can't read `text` as a URL, in its words; undefined when it can.
 *
 * Not the WHATWG rules of `new URL`: relative references are fine, and an escape in the host may
 * only stand for a byte beyond ASCII.
 */
export function urlReason(text: string): string | undefined {
  try {
    const [beforeFragment, fragment] = cut(text, "#");
    checkUrl(beforeFragment);
    checkEscapes(fragment);
    return undefined;
  } catch (error) {
    if (!(error instanceof UrlSyntaxError)) throw error;
    return `parse ${quoteText(text)}: ${error.message}`;
  }
}

function cut(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + separator.length)];
}

function checkUrl(text: string): void {
  if (/\p{Cc}/u.test(text.replace(/[\u0080-\u009f]/g, ""))) {
    throw new UrlSyntaxError("net/url: invalid control character in URL");
  }
  if (text.startsWith(":")) throw new UrlSyntaxError("missing protocol scheme");
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1];
  const [rest] = cut(scheme === undefined ? text : text.slice(scheme.length + 1), "?");
  if (!rest.startsWith("/")) {
    if (scheme !== undefined) return;
    if (cut(rest, "/")[0].includes(":")) {
      throw new UrlSyntaxError("first path segment in URL cannot contain colon");
    }
  }
  const hasAuthority = rest.startsWith("//") && (scheme !== undefined || !rest.startsWith("///"));
  if (!hasAuthority) {
    checkEscapes(rest);
    return;
  }
  const [authority = "", path = ""] = /^([^/]*)(.*)$/s.exec(rest.slice(2))?.slice(1) ?? [];
  checkAuthority(authority);
  checkEscapes(path);
}

function checkAuthority(authority: string): void {
  const separator = authority.lastIndexOf("@");
  checkHost(authority.slice(separator + 1));
  if (separator < 0) return;
  const userinfo = authority.slice(0, separator);
  if (!/^[-A-Za-z0-9._:~!$&'()*+,;=%@]*$/.test(userinfo)) {
    throw new UrlSyntaxError("net/url: invalid userinfo");
  }
  const [user, password] = cut(userinfo, ":");
  checkEscapes(user);
  checkEscapes(password);
}

function checkHost(host: string): void {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) throw new UrlSyntaxError("invalid IP-literal");
  if (bracket === 0) {
    checkIpLiteral(host);
    return;
  }
  const colon = host.lastIndexOf(":");
  if (colon >= 0) checkPort(host.slice(colon));
  checkHostEscapes(host);
}

function checkIpLiteral(host: string): void {
  const end = host.lastIndexOf("]");
  if (end < 0) throw new UrlSyntaxError("missing ']' in host");
  checkPort(host.slice(end + 1));
  const [address, zone] = cut(host.slice(1, end), "%25");
  checkHostEscapes(address);
  checkEscapes(zone);
  if (isIPv4(address)) throw new UrlSyntaxError("invalid IP-literal");
  if (!isIPv6(address)) {
    throw new UrlSyntaxError(`invalid host: ParseAddr(${quoteText(address)}): unable to parse IP`);
  }
}

function checkPort(colonAndPort: string): void {
  if (/^(:[0-9]*)?$/.test(colonAndPort)) return;
  throw new UrlSyntaxError(`invalid port ${quoteText(colonAndPort)} after host`);
}

function checkEscapes(text: string): void {
  const broken = /%(?![0-9A-Fa-f]{2}).{0,2}/su.exec(text)?.[0];
  if (broken !== undefined) throw new UrlSyntaxError(`invalid URL escape ${quoteText(broken)}`);
}

function checkHostEscapes(host: string): void {
  for (const [part] of host.matchAll(/%.{0,2}|./gsu)) {
    if (part.startsWith("%")) {
      if (part === "%25" || /^%[89A-Fa-f][0-9A-Fa-f]$/.test(part)) continue;
      throw new UrlSyntaxError(`invalid URL escape ${quoteText(part)}`);
    }
    if (!/^[-A-Za-z0-9_.~!$&'()*+,;=:[\]<>"\u0080-\u{10ffff}]$/u.test(part)) {
      throw new UrlSyntaxError(`invalid character ${quoteText(part)} in host name`);
    }
  }
}
