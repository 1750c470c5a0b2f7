const RAILS_POOL = /@pools\/([0-9a-f]{2})\/([0-9a-f]{2})\/([0-9a-f]{64})\.git$/;
const ROUTER_POOL = /@cluster\/pools\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9]+$/;

/** Whether a repository at this path from its storage is an object pool, as GitLab names them. */
export function isObjectPoolPath(relativePath: string): boolean {
  if (ROUTER_POOL.test(relativePath)) return true;
  const [, first = "", second = "", name] = RAILS_POOL.exec(relativePath) ?? [];
  return name?.startsWith(first + second) ?? false;
}
