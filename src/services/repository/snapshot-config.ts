/**
 * Leaves of a configuration file what says how the repository is stored: the version of its format
 * and the section `extensions`. Takes and returns the lines as they are.
 */
export function snapshotConfig(content: Buffer): Buffer {
  const kept: string[] = [];
  let section = "";
  for (const line of content.toString("latin1").split("\n")) {
    const trimmed = line.trim();
    section = sectionName(trimmed) ?? section;
    const isKept =
      section === "extensions" ||
      (section === "core" && /^\[|repositoryformatversion/i.test(trimmed));
    if (isKept) kept.push(line);
  }
  return Buffer.from(kept.length === 0 ? "" : `${kept.join("\n")}\n`, "latin1");
}

/** The name of the section that a line begins, without its subsection. */
function sectionName(line: string): string | undefined {
  return /^\[([^\] ]*)[^\]]*\]/.exec(line)?.[1]?.toLowerCase();
}
