/** Lines at both ends of a file where editors look for their settings. */
const SCOPE = 5;

/** Settings stand near the start of a line. */
const LINE_LENGTH_MAX = 1000;

/** The language that settings for Emacs or Vim in a file name, by whatever name they have for it. */
export function findModeline(content: string): string | undefined {
  const lines = content.split("\n").map((line) => line.slice(0, LINE_LENGTH_MAX));
  const seen =
    lines.length > 2 * SCOPE ? [...lines.slice(0, SCOPE), ...lines.slice(-SCOPE - 1)] : lines;
  return emacsMode(seen) ?? vimType(seen);
}

function emacsMode(lines: readonly string[]): string | undefined {
  for (const line of [...lines].reverse()) {
    const start = line.indexOf("-*-");
    const end = line.lastIndexOf("-*-");
    if (start < 0 || end < start + 3) continue;
    const settings = line.slice(start + 3, end).trim();
    if (settings === "") continue;
    // The last mode counts, even that of `indent-tabs-mode: nil`.
    return /.*mode\s*:\s*([^\s;]+)/i.exec(settings)?.[1] ?? settings;
  }
  return undefined;
}

function vimType(lines: readonly string[]): string | undefined {
  for (const line of [...lines].reverse()) {
    const settings = /(?:(?:\s|^)vi(?:m[<=>]?\d+|m)?|[\t ]*ex)\s*:\s*(.*)$/.exec(line)?.[1];
    if (settings === undefined) continue;
    const types = [...settings.matchAll(/(?:filetype|ft|syntax)\s*=(\w+)(?:\s|:|$)/gi)];
    const names = new Set(types.map(([, name]) => name));
    return names.size === 1 ? types[0]?.[1] : undefined;
  }
  return undefined;
}
