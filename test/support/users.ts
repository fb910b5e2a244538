/** A user without rights, as most systems have it. No name of it is needed. */
export const otherUid = 65_534;

/**
 * Why tests that need another user cannot run, or `false` where they can: what node:test takes as `skip`. Only root can
 * be another user. Where `SEALPIPE_REQUIRE_TOOLCHAINS` is set, as in CI, that fails the tests instead.
 */
export function notRoot(): string | false {
  if (process.geteuid?.() === 0) return false;
  const reason = "these tests need another user, which only root can be: they are skipped";
  if (process.env["SEALPIPE_REQUIRE_TOOLCHAINS"]) throw new Error(reason);
  return reason;
}
