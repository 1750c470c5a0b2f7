import type { PostReceiveMessage } from "../access/access-check.ts";
import { HookError } from "../hook-errors.ts";

/** What is left of a terminal of 80 columns when git has put "remote: " before each line. */
const MESSAGE_WIDTH = 80 - "remote: ".length;

/** Two columns of an alert stay free on both sides. */
const TEXT_WIDTH = MESSAGE_WIDTH - 2 * 2;

const RULER = "=".repeat(MESSAGE_WIDTH);

/**
 * Lays out a text of GitLab for the terminal of the one who pushed; an alert stands in a frame,
 * centred. Throws a HookError when the message is of a kind that is not known.
 */
export function layOutMessage({ type, message }: PostReceiveMessage): string {
  if (type === "basic") return `\n${message}\n\n`;
  if (type !== "alert") throw new HookError(`invalid message type: ${type}`);
  return `\n${RULER}\n\n${wrap(message).map(centre).join("\n")}\n\n${RULER}\n\n`;
}

/** Widths count bytes, as everywhere in the protocol's texts. */
function wrap(text: string): string[] {
  const lines = [];
  let line = "";
  for (const word of text.split(/\s+/u).filter((part) => part !== "")) {
    if (Buffer.byteLength(line) + 1 + Buffer.byteLength(word) > TEXT_WIDTH) {
      lines.push(line);
      line = "";
    }
    line += `${word} `;
  }
  return [...lines, line];
}

function centre(line: string): string {
  const text = line.trim();
  const padding = Math.max(0, Math.trunc((MESSAGE_WIDTH - Buffer.byteLength(text)) / 2));
  return " ".repeat(padding) + text;
}
