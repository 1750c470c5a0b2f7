import { type } from "node:os";

/** How git calls itself to others: what isn't printable, or is a space, becomes a dot. */
export function gitAgent(version: string): string {
  return `git/${version}-${type()}`.trim().replaceAll(/[^!-~]/g, ".");
}
