import { spawnSync } from "node:child_process";

/**
 * Why tests that need a toolchain cannot run, or `false` where they can: what node:test takes as `skip`. Where
 * `SEALPIPE_REQUIRE_TOOLCHAINS` is set, as in CI, a toolchain that is missing fails the tests instead.
 */
export function lacks(command: string, versionArgument: string): string | false {
  const found = spawnSync(command, [versionArgument], { stdio: "ignore" }).status === 0;
  if (found) return false;
  const reason = `${command} is not installed: these tests are skipped`;
  if (process.env["SEALPIPE_REQUIRE_TOOLCHAINS"]) throw new Error(reason);
  return reason;
}
