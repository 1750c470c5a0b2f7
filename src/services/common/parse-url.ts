import { quoteText } from "../../base/text/quote-text.ts";

/** A URL that can't be understood; the message is the one that clients know. */
export class InvalidUrlError extends Error {
  constructor(url: string, problem: string) {
    super(`parse ${quoteText(url)}: ${problem}`);
  }
}

/** The parts of a URL, as the reference server tells them apart. */
export interface ParsedUrl {
  readonly scheme: string;
  /** What follows the scheme when that isn't a slash; there is no host then. */
  readonly opaque: string;
  readonly user: UrlUser | undefined;
  /** Host and port with escapes resolved. */
  readonly host: string;
  /** Escaped as it is sent. */
  readonly path: string;
  /** With the question mark and what follows it, empty without one. */
  readonly query: string;
  /** With the number sign and what follows it, empty without one. */
  readonly fragment: string;
  /** There are no slashes for a host. */
  readonly omitsHost: boolean;
}

export interface UrlUser {
  readonly name: string;
  readonly password: string | undefined;
}

type Place = "user" | "host" | "path";

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const HEX = /^[0-9A-Fa-f]{2}/;
const USER = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
const PORT = /^(?::[0-9]*)?$/;
const UNESCAPED: Readonly<Record<Place, RegExp>> = {
  user: /[A-Za-z0-9\-_.~$&+,;=]/,
  host: /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/,
  path: /[A-Za-z0-9\-_.~$&+,/:;=@]/,
};
const ESCAPED_PATH = /^(?:[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]]|%[0-9A-Fa-f]{2})*$/;

/**
 * Takes a URL apart. A `strict` one has a scheme, or starts with a slash, and has no fragment.
 *
 * @throws InvalidUrlError
 */
export function parseUrl(
  url: string,
  { strict = false }: { readonly strict?: boolean } = {},
): ParsedUrl {
  const hash = strict ? -1 : url.indexOf("#");
  const beforeFragment = hash < 0 ? url : url.slice(0, hash);
  const fragment = hash < 0 || hash === url.length - 1 ? "" : url.slice(hash);
  try {
    return { ...parse(beforeFragment, strict), fragment };
  } catch (error) {
    throw error instanceof Problem ? new InvalidUrlError(beforeFragment, error.message) : error;
  }
}

/** Puts the parts together again. */
export function urlText(url: ParsedUrl): string {
  const { scheme, opaque, user, host, path, query, fragment, omitsHost } = url;
  const start = scheme === "" ? "" : `${scheme}:`;
  if (opaque !== "") return `${start}${opaque}${query}${fragment}`;
  const hasAuthority =
    (scheme !== "" || host !== "" || user !== undefined) &&
    !(omitsHost && host === "" && user === undefined) &&
    (host !== "" || path !== "" || user !== undefined);
  const authority = hasAuthority ? `//${userText(user)}${withEscapes(host, "host")}` : "";
  const slash = path !== "" && !path.startsWith("/") && host !== "" ? "/" : "";
  return `${start}${authority}${slash}${path}${query}${fragment}`;
}

/** The host without port and brackets, and the port, which may be empty. */
export function hostAndPort(host: string): { readonly hostname: string; readonly port: string } {
  const [, port] = /:([0-9]*)$/.exec(host) ?? [];
  const name = port === undefined ? host : host.slice(0, -port.length - 1);
  const isBracketed = name.startsWith("[") && name.endsWith("]");
  return { hostname: isBracketed ? name.slice(1, -1) : name, port: port ?? "" };
}

class Problem extends Error {}

const NOTHING = { scheme: "", opaque: "", user: undefined, host: "", query: "" };

function parse(url: string, strict: boolean): Omit<ParsedUrl, "fragment"> {
  if (hasControlCharacter(url)) throw new Problem("net/url: invalid control character in URL");
  if (url === "" && strict) throw new Problem("empty url");
  if (url === "*") return { ...NOTHING, path: "*", omitsHost: false };
  if (url.startsWith(":")) throw new Problem("missing protocol scheme");
  const [matched = ""] = SCHEME.exec(url) ?? [];
  const scheme = matched.slice(0, -1).toLowerCase();
  const [rest, query] = cutBefore(url.slice(matched.length), "?");
  const parts = rest.startsWith("/")
    ? parseHierarchy(rest, scheme !== "" || (!strict && !rest.startsWith("///")))
    : parseRootless(rest, scheme, strict);
  const omitsHost = scheme !== "" && rest.startsWith("/") && !rest.startsWith("//");
  return { ...NOTHING, scheme, query, omitsHost, ...parts };
}

type Parts = Pick<ParsedUrl, "path"> & Partial<ParsedUrl>;

function parseRootless(rest: string, scheme: string, strict: boolean): Parts {
  if (scheme !== "") return { opaque: rest, path: "" };
  if (strict) throw new Problem("invalid URI for request");
  const [segment] = cutBefore(rest, "/");
  if (segment.includes(":")) throw new Problem("first path segment in URL cannot contain colon");
  return { path: escapedPath(rest) };
}

function parseHierarchy(rest: string, mayHaveHost: boolean): Parts {
  if (!mayHaveHost || !rest.startsWith("//")) return { path: escapedPath(rest) };
  const [authority, path] = cutBefore(rest.slice(2), "/");
  return { ...parseAuthority(authority), path: escapedPath(path) };
}

function cutBefore(text: string, mark: string): readonly [string, string] {
  const index = text.indexOf(mark);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index)];
}

function hasControlCharacter(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return /[\x00-\x1f\x7f]/.test(text);
}

function parseAuthority(authority: string): Pick<ParsedUrl, "user" | "host"> {
  const at = authority.lastIndexOf("@");
  const host = parseHost(authority.slice(at + 1));
  if (at < 0) return { user: undefined, host };
  const text = authority.slice(0, at);
  if (!USER.test(text)) throw new Problem("net/url: invalid userinfo");
  const colon = text.indexOf(":");
  const name = withoutEscapes(colon < 0 ? text : text.slice(0, colon), "user");
  const password = colon < 0 ? undefined : withoutEscapes(text.slice(colon + 1), "user");
  return { user: { name, password }, host };
}

function parseHost(host: string): string {
  const isBracketed = host.startsWith("[");
  const end = isBracketed ? host.lastIndexOf("]") : host.lastIndexOf(":") - 1;
  if (isBracketed && end < 0) throw new Problem("missing ']' in host");
  const port = end === -2 ? "" : host.slice(end + 1);
  if (!PORT.test(port)) throw new Problem(`invalid port ${quoteText(port)} after host`);
  return withoutEscapes(host, "host");
}

function escapedPath(path: string): string {
  const plain = withoutEscapes(path, "path");
  return ESCAPED_PATH.test(path) ? path : withEscapes(plain, "path");
}

function withoutEscapes(text: string, place: Place): string {
  const bytes: Buffer[] = [];
  for (let i = 0; i < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(i) ?? 0);
    if (character === "%") {
      bytes.push(Buffer.from([unescapedByte(text.slice(i, i + 3), place)]));
      i += 3;
      continue;
    }
    if (place === "host" && character < "\x80" && !UNESCAPED.host.test(character)) {
      throw new Problem(`invalid character ${quoteText(character)} in host name`);
    }
    bytes.push(Buffer.from(character));
    i += character.length;
  }
  return Buffer.concat(bytes).toString();
}

function unescapedByte(sequence: string, place: Place): number {
  const digits = sequence.slice(1);
  const isAllowed = HEX.test(digits) && (place !== "host" || digits >= "8" || digits === "25");
  if (!isAllowed) throw new Problem(`invalid URL escape ${quoteText(sequence)}`);
  return Number.parseInt(digits, 16);
}

function withEscapes(text: string, place: Place): string {
  const escaped = Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    if (byte < 0x80 && UNESCAPED[place].test(character)) return character;
    return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return escaped.join("");
}

function userText(user: UrlUser | undefined): string {
  if (user === undefined) return "";
  const password = user.password === undefined ? "" : `:${withEscapes(user.password, "user")}`;
  return `${withEscapes(user.name, "user")}${password}@`;
}
