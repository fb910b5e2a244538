import { isUint8Array } from "node:util/types";
import { type ContractIdentity, contractHashBytes, maxContracts } from "../../protocol/native/wire/offers.ts";
import { type Check, demand, isText } from "./option-checks.ts";

export const isContracts: Check = (value, name) => {
  const wanted = `a list of at most ${maxContracts} contracts`;
  demand(Array.isArray(value) && value.length <= maxContracts, name, wanted, value);
  for (const identity of value as readonly unknown[]) {
    const { name: contract, version, hash } = Object(identity) as Partial<ContractIdentity>;
    isText(contract, `the name of each of the ${name}`);
    isText(version, `the version of each of the ${name}`);
    const fits = isUint8Array(hash) && hash.length === contractHashBytes;
    demand(fits, `the hash of each of the ${name}`, `a Uint8Array of ${contractHashBytes} bytes`, hash);
  }
};

/**
 * A checked copy: the caller may change the bytes of a hash, and its objects' properties may have another value each
 * time.
 */
export function ownContracts({ contracts }: { readonly contracts?: readonly ContractIdentity[] }): {
  readonly contracts?: readonly ContractIdentity[];
} {
  if (contracts === undefined) return {};
  const own = contracts.map(({ name, version, hash }) => ({ name, version, hash: Uint8Array.from(hash) }));
  isContracts(own, "contracts");
  return { contracts: Object.freeze(own) };
}
