import type { ContractDescription } from "../../contract/description.ts";
import { notExpressible } from "../not-expressible.ts";
import { eachPattern, withoutLiterals } from "../patterns.ts";

/** Go repeats no further than that. */
const maxRepeats = 1_000;

/**
 * Go's regular expressions look at each character once: they look neither ahead nor behind, and refer to nothing before.
 * @throws CallerError `ERR_NOT_EXPRESSIBLE`
 */
export function checkPatterns(description: ContractDescription): void {
  eachPattern(description, (pattern, place) => {
    const plain = withoutLiterals(pattern);
    const unknown = /\(\?[=!<]|\\[1-9kpPc]|\\u\{/.exec(plain);
    if (unknown !== null)
      throw notExpressible(place, `Go's regular expressions have no ${JSON.stringify(unknown[0])}`);
    const repeats = [...plain.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, least, most]) => [least, most]);
    if (repeats.some((count) => Number(count ?? 0) > maxRepeats))
      throw notExpressible(place, `Go's regular expressions repeat nothing more than ${maxRepeats} times`);
  });
}
