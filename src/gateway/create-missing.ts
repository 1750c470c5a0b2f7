import type { GitBackend } from "./backend/git-backend.ts";
import type { RepositoryName } from "./repository-path.ts";

/** Makes the repository that somebody is about to push to, unless it is there. */
export async function createMissing(
  backend: GitBackend,
  repository: RepositoryName,
  signal: AbortSignal,
): Promise<void> {
  if (await backend.repositoryExists(repository, signal)) return;
  await backend.createRepository(repository, signal);
}
