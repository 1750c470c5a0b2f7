import { readFileSync } from "node:fs";

/** The system's names of accounts, by their numbers. Binary strings. */
export interface AccountNames {
  userName(uid: number): string;
  groupName(gid: number): string;
}

interface Files {
  readonly users: string;
  readonly groups: string;
}

/** Both hold lines of `<name>:<password>:<number>:…`, see passwd(5) and group(5). */
const FILES: Files = { users: "/etc/passwd", groups: "/etc/group" };

/** Reads the system's names of users and groups when the first is asked for. */
export function accountNames({ users, groups }: Files = FILES): AccountNames {
  const userNames = lookup(users);
  const groupNames = lookup(groups);
  return { userName: userNames, groupName: groupNames };
}

/** An account without a name, or on a system that keeps them elsewhere, has the empty one. */
function lookup(path: string): (id: number) => string {
  let names: ReadonlyMap<number, string> | undefined;
  return (id) => {
    names ??= readNames(path);
    return names.get(id) ?? "";
  };
}

function readNames(path: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of readText(path).split("\n")) {
    const [name = "", , id = ""] = line.split(":");
    if (/^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
