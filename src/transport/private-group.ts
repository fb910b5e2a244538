import { readFileSync } from "node:fs";

export interface UserLists {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Whether the group is its user's own: many Linux distributions create a group for each user, with the same number
 * and no other member, and let the user's files be writable for it. False if that cannot be determined.
 */
export function isPrivateGroup(
  { uid, gid }: { uid: number; gid: number },
  { passwd, group }: UserLists = { passwd: "/etc/passwd", group: "/etc/group" },
): boolean {
  // On some systems root's group has members that are not listed.
  if (gid !== uid || gid === 0) return false;
  const groups = readEntries(group).filter(([, , number]) => number === String(gid));
  const usersOfIt = readEntries(passwd).filter(([, , , primary]) => primary === String(gid));
  return (
    groups.length > 0 &&
    groups.every(([, , , members]) => members?.trim() === "") &&
    usersOfIt.length > 0 &&
    usersOfIt.every(([, , user]) => user === String(uid))
  );
}

function readEntries(path: string): string[][] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return [];
  }
}
