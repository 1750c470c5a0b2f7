/**
 * The test reporter that runs inside each test file's process: one JSON object a line.
 *
 * `run-file.ts` passes it to Node and reads the lines when the process has ended.
 */
import { AssertionError } from "node:assert";
import type { EventData } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export type Line =
  | { readonly type: "begin"; readonly id: number; readonly name: string }
  | ({ readonly type: "end"; readonly id: number } & Outcome);

export type Outcome = {
  readonly name: string;
  readonly suite: boolean;
  readonly parent: number | undefined;
  readonly skip: string | undefined;
  readonly failure: string | undefined;
  /** Failed only because something inside it failed, which is reported itself. */
  readonly inherited: boolean;
};

// biome-ignore lint/style/noDefaultExport: Node loads a reporter by its default export.
export default async function* report(
  events: AsyncIterable<TestEvent>,
): AsyncGenerator<string, void> {
  for await (const event of events) {
    const line = toLine(event);
    if (line !== undefined) yield `${JSON.stringify(line)}\n`;
  }
}

function toLine({ type, data }: TestEvent): Line | undefined {
  if (type === "test:dequeue") return { type: "begin", id: data.testId, name: data.name };
  if (type === "test:pass") return { ...toEnd(data), failure: undefined, inherited: false };
  if (type !== "test:fail") return undefined;
  const { error } = data.details;
  const inherited = "failureType" in error && error.failureType === "subtestsFailed";
  return { ...toEnd(data), failure: toText(error.cause ?? error), inherited };
}

/** As short as it can be: no frames of Node's own, no properties that the message repeats. */
function toText(error: unknown): string {
  const text = error instanceof AssertionError ? (error.stack ?? error.message) : inspect(error);
  return text.replace(/\n +at [^\n]*\(?node:[^\n]*(?=\n|$)/g, "");
}

function toEnd(data: EventData.TestPass | EventData.TestFail) {
  const { testId: id, parentId: parent, name, details } = data;
  return {
    type: "end",
    id,
    parent,
    name,
    suite: details.type === "suite",
    skip: skipReason(data),
  } as const;
}

function skipReason({ skip, todo }: EventData.TestPass | EventData.TestFail): string | undefined {
  if (todo !== undefined && todo !== false) return typeof todo === "string" ? todo : "to do";
  if (skip === undefined || skip === false) return undefined;
  return typeof skip === "string" ? skip : "no reason given";
}
