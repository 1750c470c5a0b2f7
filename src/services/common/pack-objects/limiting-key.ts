import { BlockList, isIP, isIPv6, SocketAddress } from "node:net";

const MAPPED_PREFIX = "::ffff:";

/**
 * By what packs are limited: the address that asks for them, with or without its port. Undefined for
 * what is no address, and for the machine itself, behind which anybody may be.
 */
export function limitingKey(remoteIp: string): string | undefined {
  const address = parseAddress(remoteIp) ?? parseAddress(withoutPort(remoteIp));
  if (address === undefined || isLoopback(address)) return undefined;
  return address;
}

/** The address as it is written usually; an IPv4 address within IPv6 is one of IPv4. */
function parseAddress(text: string): string | undefined {
  if (isIP(text) === 0 || text.includes("%")) return undefined;
  if (!isIPv6(text)) return text;
  const { address } = new SocketAddress({ address: text, family: "ipv6" });
  const mapped = address.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : "";
  return mapped.includes(".") ? mapped : address;
}

function withoutPort(text: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*)):[^:]*$/.exec(text) ?? [];
  return bracketed ?? plain ?? "";
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  return address === "::1" || loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
