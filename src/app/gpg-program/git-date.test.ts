import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGitDate } from "./git-date.ts";

test("parseGitDate reads dates", () => {
  const cases = [
    ["Tue Nov 14 2023 23:13:20 +0100", "2023-11-14T22:13:20.000Z"],
    ["tue nov 14 2023 9:13:20.9 -0130", "2023-11-14T10:43:20.000Z"],
    ["Sun Feb 29 2032 00:00:00 +0000", "2032-02-29T00:00:00.000Z"],
  ] as const;
  for (const [text, expected] of cases) {
    assert.equal(parseGitDate(text).toISOString(), expected);
  }
});

test("parseGitDate says what is wrong", () => {
  const layout = 'as "Mon Jan 02 2006 15:04:05 -0700": cannot parse';
  const cases = [
    ["", `parsing time "" ${layout} "" as "Mon"`],
    ["1700000000 +0000", `parsing time "1700000000 +0000" ${layout} "1700000000 +0000" as "Mon"`],
    ["Sun Nov 22 2026 19:38:20", `parsing time "Sun Nov 22 2026 19:38:20" ${layout} "" as "-0700"`],
    [
      "Mon Feb 30 2026 19:38:20 +0000",
      'parsing time "Mon Feb 30 2026 19:38:20 +0000": day out of range',
    ],
    [
      "Mon Feb 20 2026 24:38:20 +0000",
      'parsing time "Mon Feb 20 2026 24:38:20 +0000": hour out of range',
    ],
    [
      "sun nov 22 2026 9:38:20.5 +0000x",
      'parsing time "sun nov 22 2026 9:38:20.5 +0000x": extra text: "x"',
    ],
  ] as const;
  for (const [text, message] of cases) assert.throws(() => parseGitDate(text), { message });
});
