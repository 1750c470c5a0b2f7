import { join } from "node:path";
import { ObjectPoolService } from "../proto/objectpool_pb.ts";
import { openTestRepository } from "./git-repository.ts";
import {
  type ServedRepository,
  TEST_STORAGE,
  type TestAddress,
  type TestServer,
} from "./test-server.ts";

/** The address of the object pool with this number, as GitLab names pools. */
export function poolAddress(number: number): TestAddress {
  const name = number.toString(16).padStart(64, "0");
  const relativePath = `@pools/${name.slice(0, 2)}/${name.slice(2, 4)}/${name}.git`;
  return { storageName: TEST_STORAGE, relativePath };
}

/** Has a server make an object pool of one of its repositories, which doesn't join it. */
export async function createTestPool(
  server: TestServer,
  origin: ServedRepository,
): Promise<ServedRepository> {
  const repository = poolAddress(1);
  const request = { origin: origin.address, objectPool: { repository } };
  await server.client(ObjectPoolService).createObjectPool(request);
  const path = join(server.storagePath, repository.relativePath);
  return { ...openTestRepository(path, origin.format), address: repository };
}
