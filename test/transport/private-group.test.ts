import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isPrivateGroup, type UserLists } from "#dist/transport/private-group.js";
import { freshDirectory } from "../support/names.ts";

const owner = { uid: 1_000, gid: 1_000 };
const ada = "ada:x:1000:1000::/home/ada:/bin/sh\n";

function lists(group: string, passwd = ada): UserLists {
  const directory = freshDirectory();
  const paths = { group: join(directory, "group"), passwd: join(directory, "passwd") };
  writeFileSync(paths.group, group);
  writeFileSync(paths.passwd, passwd);
  return paths;
}

describe("a group", () => {
  test("is a user's own if it has the same number and nobody else in it", () => {
    assert.equal(isPrivateGroup(owner, lists("root:x:0:\nada:x:1000:\nusers:x:100:ada,eve\n")), true);
  });

  test("is not a user's own if it has another number", () => {
    assert.equal(isPrivateGroup({ uid: 1_000, gid: 100 }, lists("users:x:100:\nada:x:1000:\n")), false);
  });

  for (const group of ["ada:x:1000:www-data\n", "ada:x:1000:ada,eve\n", "ada:x:1000:\nalias:x:1000:eve\n"]) {
    test(`is not a user's own if it has members: ${JSON.stringify(group)}`, () => {
      assert.equal(isPrivateGroup(owner, lists(group)), false);
    });
  }

  test("is not a user's own if it is another's first group", () => {
    const eve = "eve:x:1001:1000::/home/eve:/bin/sh\n";
    assert.equal(isPrivateGroup(owner, lists("ada:x:1000:\n", ada + eve)), false);
  });

  test("is never root's own", () => {
    assert.equal(isPrivateGroup({ uid: 0, gid: 0 }, lists("root:x:0:\n")), false);
  });

  for (const group of ["", "ada:x:10000:\n", "ada:x:1000\n", "nonsense\n"]) {
    test(`is not a user's own if that cannot be told: ${JSON.stringify(group)}`, () => {
      assert.equal(isPrivateGroup(owner, lists(group)), false);
    });
  }

  for (const list of ["group", "passwd"] as const) {
    test(`is not a user's own if there is no ${list}, or nothing in it`, () => {
      const readable = lists("ada:x:1000:\n");
      assert.equal(isPrivateGroup(owner, { ...readable, [list]: join(freshDirectory(), "gone") }), false);
      writeFileSync(readable[list], "");
      assert.equal(isPrivateGroup(owner, readable), false);
    });
  }
});
