import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_LOOSE_OBJECTS } from "../repository-info/loose-objects-info.ts";
import type { PackfilesInfo } from "../repository-info/packfiles-info.ts";
import {
  type OptimizationPlan,
  planByNeed,
  planEverything,
  planSome,
  type RepositoryState,
} from "./optimization-plan.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW_MS = 100 * DAY_MS;
const MEBIBYTE = 1024 * 1024;

function multiPackIndex(packfileCount: number): PackfilesInfo["multiPackIndex"] {
  return {
    version: 1,
    packfileCount,
    hasLargeOffsets: false,
    hasBitmappedPacks: true,
    hasReverseIndex: true,
  };
}

/** A tidy repository with one pack, but for what the test changes. */
function state(
  changes: Partial<Omit<RepositoryState, "packfiles">> & {
    readonly packfiles?: Partial<PackfilesInfo>;
  } = {},
): RepositoryState {
  return {
    looseObjects: NO_LOOSE_OBJECTS,
    references: { format: "files", looseCount: 1, packedSize: 0 },
    commitGraph: {
      chainLength: 1,
      hasBloomFilters: true,
      hasGenerationData: true,
      hasGenerationDataOverflow: false,
    },
    alternates: undefined,
    isObjectPool: false,
    reftableSizes: [],
    ...changes,
    packfiles: {
      count: 1,
      size: 1,
      reverseIndexCount: 1,
      cruftCount: 0,
      cruftSize: 0,
      keepCount: 0,
      keepSize: 0,
      garbageCount: 0,
      garbageSize: 0,
      bitmap: undefined,
      multiPackIndex: multiPackIndex(1),
      multiPackIndexBitmap: undefined,
      lastFullRepackMs: NOW_MS - DAY_MS,
      ...changes.packfiles,
    },
  };
}

const IDLE: OptimizationPlan = {
  repack: undefined,
  pruneBeforeMs: undefined,
  packRefs: false,
  commitGraph: undefined,
};

const strategyOf = (given: RepositoryState): string | undefined =>
  planByNeed(given, NOW_MS).repack?.strategy;

test("planByNeed leaves a tidy or empty repository alone", () => {
  assert.deepEqual(planByNeed(state(), NOW_MS), IDLE);
  const references = { format: "files", looseCount: 0, packedSize: 0 } as const;
  const packfiles = { count: 0, size: 0, multiPackIndex: undefined, lastFullRepackMs: undefined };
  const empty = state({ references, packfiles, commitGraph: undefined });
  assert.deepEqual(planByNeed(empty, NOW_MS), IDLE);
});

test("planByNeed packs everything at most every five days, and after joining a pool", () => {
  const lastFullRepackMs = NOW_MS - 5 * DAY_MS;
  const many = { count: 3, multiPackIndex: multiPackIndex(3) };
  const at = (packfiles: Partial<PackfilesInfo>) => state({ packfiles: { ...many, ...packfiles } });
  assert.equal(strategyOf(at({ lastFullRepackMs })), undefined);
  assert.equal(strategyOf(at({ lastFullRepackMs: lastFullRepackMs - 1 })), "full_with_cruft");
  assert.equal(strategyOf(at({ lastFullRepackMs: undefined })), "full_with_cruft");
  assert.equal(strategyOf(at({ lastFullRepackMs: undefined, cruftCount: 2 })), undefined);
  const alternates = (modifiedMs: number) => ({
    objectDirectories: ["../pool/objects"],
    absolutePaths: ["/pool/objects"],
    modifiedMs,
  });
  assert.equal(strategyOf(state({ alternates: alternates(NOW_MS - DAY_MS) })), undefined);
  const joined = planByNeed(state({ alternates: alternates(NOW_MS) }), NOW_MS);
  assert.deepEqual(joined.repack, {
    strategy: "full_with_cruft",
    writeBitmap: false,
    writeMultiPackIndex: true,
    expireBeforeMs: NOW_MS - 10 * DAY_MS,
  });
  assert.equal(joined.commitGraph, "replace");
});

test("planByNeed joins packs when there are more new ones than the size allows", () => {
  const cases: readonly (readonly [mebibytes: number, allowed: number])[] = [
    [0, 2],
    [10, 3],
    [100, 7],
    [500, 10],
    [1024, 11],
    [5 * 1024, 14],
    [100 * 1024, 19],
  ];
  for (const [mebibytes, allowed] of cases) {
    const size = mebibytes * MEBIBYTE;
    const withNew = (count: number) => state({ packfiles: { size, count: 1 + count } });
    assert.equal(strategyOf(withNew(allowed)), undefined, String(mebibytes));
    assert.equal(strategyOf(withNew(allowed + 1)), "geometric", String(mebibytes));
  }
  assert.equal(strategyOf(state({ packfiles: { multiPackIndex: undefined } })), "geometric");
  assert.equal(
    strategyOf(state({ packfiles: { multiPackIndex: multiPackIndex(2) } })),
    "geometric",
  );
  const plan = planByNeed(state({ packfiles: { count: 4 } }), NOW_MS);
  assert.equal(plan.commitGraph, "extend");
});

test("planByNeed joins packs of which bitmaps miss what many writes have brought", () => {
  const some = { ...NO_LOOSE_OBJECTS, count: 1 };
  const strategy = (given: Parameters<typeof state>[0], writes: number) =>
    planByNeed(state(given), NOW_MS, writes).repack?.strategy;
  assert.equal(strategy({ looseObjects: some }, 199), undefined);
  assert.equal(strategy({ looseObjects: some }, 200), "geometric");
  assert.equal(strategy({ packfiles: { count: 2 } }, 200), "geometric");
  assert.equal(strategy({}, 100_000), undefined);
  const large = { looseObjects: some, packfiles: { size: 500 * MEBIBYTE } };
  assert.equal(strategy(large, 4999), undefined);
  assert.equal(strategy(large, 5000), "geometric");
  const alternates = { objectDirectories: ["x"], absolutePaths: ["/x"], modifiedMs: 0 };
  assert.equal(strategy({ looseObjects: some, alternates }, 200), undefined);
});

test("planByNeed packs loose objects, and prunes old ones, beyond 1024", () => {
  const loose = (count: number, staleCount = 0, isObjectPool = false) =>
    planByNeed(
      state({ isObjectPool, looseObjects: { ...NO_LOOSE_OBJECTS, count, staleCount } }),
      NOW_MS,
    );
  assert.deepEqual(loose(1024, 1024), IDLE);
  assert.equal(loose(1025).repack?.strategy, "incremental_with_unreachable");
  assert.equal(loose(1025).commitGraph, "extend");
  assert.equal(loose(1025, 1025).pruneBeforeMs, NOW_MS - 10 * DAY_MS);
  assert.equal(loose(1025, 1025).commitGraph, "replace");
  assert.equal(loose(1025, 1025, true).pruneBeforeMs, undefined);
});

test("planByNeed packs references by how many are packed already", () => {
  const cases = [
    [0, 16],
    [1000, 16],
    [10_000, 32],
    [100_000, 49],
    [1_000_000, 65],
    [100_000_000, 98],
  ] as const;
  for (const [packedSize, limit] of cases) {
    const packs = (looseCount: number) =>
      planByNeed(state({ references: { format: "files", looseCount, packedSize } }), NOW_MS);
    assert.equal(packs(limit - 1).packRefs, false, String(packedSize));
    assert.equal(packs(limit).packRefs, true, String(packedSize));
  }
  const references = { format: "reftable", looseCount: 0, packedSize: 0 } as const;
  const tables = (...reftableSizes: readonly number[]): boolean =>
    planByNeed(state({ references, reftableSizes }), NOW_MS).packRefs;
  assert.equal(tables(100), false);
  assert.equal(tables(428, 228, 128), false);
  assert.equal(tables(427, 228, 128), true);
});

test("planByNeed replaces commit-graphs that lack something", () => {
  const lacks = (changes: Partial<NonNullable<RepositoryState["commitGraph"]>>) => {
    const { commitGraph } = state();
    const changed = commitGraph && { ...commitGraph, ...changes };
    return planByNeed(state({ commitGraph: changed }), NOW_MS).commitGraph;
  };
  assert.equal(lacks({ chainLength: 0 }), "replace");
  assert.equal(lacks({ hasBloomFilters: false }), "replace");
  assert.equal(lacks({ hasGenerationData: false }), "replace");
  assert.equal(planByNeed(state({ commitGraph: undefined }), NOW_MS).commitGraph, "replace");
});

test("planEverything does all, but never drops what a pool has", () => {
  assert.deepEqual(planEverything(state(), NOW_MS), {
    repack: {
      strategy: "full_with_cruft",
      writeBitmap: true,
      writeMultiPackIndex: true,
      expireBeforeMs: NOW_MS - 10 * DAY_MS,
    },
    pruneBeforeMs: NOW_MS - 10 * DAY_MS,
    packRefs: true,
    commitGraph: "replace",
  });
  const pool = planEverything(state({ isObjectPool: true }), NOW_MS);
  assert.equal(pool.repack?.strategy, "full_with_unreachable");
  assert.equal(pool.repack.expireBeforeMs, undefined);
  assert.equal(pool.pruneBeforeMs, undefined);
});

test("planSome does only what it is asked for", () => {
  const looseObjects = { ...NO_LOOSE_OBJECTS, count: 2000, staleCount: 2000 };
  const references = { format: "files", looseCount: 99, packedSize: 0 } as const;
  const untidy = state({ looseObjects, references });
  assert.deepEqual(planSome([])(untidy, NOW_MS), IDLE);
  assert.deepEqual(planSome(["repack_refs"])(untidy, NOW_MS), { ...IDLE, packRefs: true });
  const all = ["repack_refs", "repack_objects", "prune_objects", "write_commit_graph"] as const;
  assert.deepEqual(planSome(all)(untidy, NOW_MS), planByNeed(untidy, NOW_MS));
});
