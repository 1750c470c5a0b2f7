/** A ref to create, or to change. */
export interface PushedRef {
  readonly ref: string;
  readonly commit: string;
  /** What it holds; nothing if it is new. */
  readonly old?: string;
}

/** What a client of receive-pack sends ahead of the pack, see gitprotocol-pack. */
export function pushCommand(refs: readonly PushedRef[]): Buffer {
  const lines = refs.map(({ ref, commit, old }, index) => {
    const format = commit.length === 40 ? "sha1" : "sha256";
    const capabilities = index === 0 ? `\0report-status object-format=${format} agent=bench` : "";
    return packetLine(`${old ?? "0".repeat(commit.length)} ${commit} ${ref}${capabilities}`);
  });
  return Buffer.from(`${lines.join("")}0000`);
}

/** A pkt-line of ASCII text. */
export function packetLine(text: string): string {
  return (text.length + 4).toString(16).padStart(4, "0") + text;
}
