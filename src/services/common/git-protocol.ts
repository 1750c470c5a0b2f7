const KNOWN = new Set(["version=1", "version=2"]);

/** The environment that makes git speak the wire protocol version a request asks for. */
export function gitProtocolEnvironment(gitProtocol: string): Record<string, string> {
  return KNOWN.has(gitProtocol) ? { GIT_PROTOCOL: gitProtocol } : {};
}
