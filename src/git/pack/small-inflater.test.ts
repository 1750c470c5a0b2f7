import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { SmallInflater } from "./small-inflater.ts";

const inflater = new SmallInflater();

/** Contents with much that repeats itself, as deltas and sources have. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom("the same text again, ", "100644 file\0", "x")
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 60 },
  )
  .map((pieces) => Buffer.concat(pieces).subarray(0, 4096));

const deflated = fc
  .tuple(
    content,
    fc.constantFrom(0, 1, 6, 9),
    fc.constantFrom(constants.Z_FIXED, constants.Z_DEFAULT_STRATEGY),
  )
  .map(([bytes, level, strategy]) => ({ bytes, stream: deflateSync(bytes, { level, strategy }) }));

/** What zlib makes of it, if that has the size. */
function expected(stream: Buffer, size: number): Buffer | undefined {
  try {
    const bytes = inflateSync(stream);
    return bytes.length === size ? bytes : undefined;
  } catch {
    return undefined;
  }
}

test("contents come out as they went in, whatever follows them", () => {
  let tried = 0;
  fc.assert(
    fc.property(deflated, fc.uint8Array({ maxLength: 8 }), ({ bytes, stream }, rest) => {
      const input = Buffer.concat([stream, rest]);
      if (!SmallInflater.isFit(input, bytes.length)) return;
      tried++;
      assert.deepEqual(inflater.inflate(input, bytes.length), bytes);
    }),
    { numRuns: 500 },
  );
  assert.ok(tried > 100, `${tried} streams`);
});

test("another size than that of the content gives nothing", () => {
  fc.assert(
    fc.property(deflated, fc.nat(5000), ({ bytes, stream }, size) => {
      if (size !== bytes.length) assert.equal(inflater.inflate(stream, size), undefined);
    }),
  );
});

test("a damaged stream gives what zlib makes of it, or nothing", () => {
  fc.assert(
    fc.property(deflated, fc.nat(), fc.nat(255), fc.nat(), ({ bytes, stream }, at, byte, cut) => {
      const damaged = Buffer.from(stream);
      damaged[at % damaged.length] = byte;
      const input = damaged.subarray(0, cut % 3 === 0 ? cut % damaged.length : damaged.length);
      const ours = inflater.inflate(input, bytes.length);
      if (ours !== undefined) assert.deepEqual(ours, expected(input, bytes.length));
    }),
    { numRuns: 2000 },
  );
});
