import { spawnSync } from "node:child_process";

/** Why tests that need a toolchain cannot run, or `false` where they can: what node:test takes as `skip`. */
export function lacks(command: string, versionArgument: string): string | false {
  const found = spawnSync(command, [versionArgument], { stdio: "ignore" }).status === 0;
  return skippedFor(found ? false : `${command} is not installed`);
}

/**
 * The same for any objection, such as that. Where `SEALPIPE_REQUIRE_TOOLCHAINS` is set, as in CI, it fails the tests
 * instead.
 */
export function skippedFor(objection: string | false): string | false {
  if (objection === false) return false;
  const reason = `${objection}: these tests are skipped`;
  if (process.env["SEALPIPE_REQUIRE_TOOLCHAINS"]) throw new Error(reason);
  return reason;
}
