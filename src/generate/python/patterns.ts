import type { ContractDescription } from "../../contract/description.ts";
import { notExpressible } from "../not-expressible.ts";
import { eachPattern, withoutLiterals } from "../patterns.ts";

/**
 * Of what ECMAScript's regular expressions have, Python's lack classes of Unicode, and write names otherwise.
 * @throws CallerError `ERR_NOT_EXPRESSIBLE`
 */
export function checkPatterns(description: ContractDescription): void {
  eachPattern(description, (pattern, place) => {
    const unknown = /\(\?<(?![=!])|\\[kpPc]|\\u\{/.exec(withoutLiterals(pattern));
    if (unknown === null) return;
    throw notExpressible(place, `Python's regular expressions have no ${JSON.stringify(unknown[0])}`);
  });
}
