import { type Client, type Connection, RemoteError, type RequestOptions } from "../index.ts";
import { decodeData } from "./codec.ts";
import type { ContractInfo } from "./contract.ts";
import { ContractError } from "./contract-error.ts";
import { decode, encode } from "./data.ts";
import type { Method } from "./members.ts";
import { issuesText, receivedIssues, type Validation } from "./validation.ts";

interface Calling {
  readonly endpoint: Client | Connection;
  readonly about: ContractInfo;
  readonly name: string;
  readonly method: Method;
}

/** What an application calls to have that method done by the peer. */
export function callOf(calling: Calling): (input?: unknown, options?: RequestOptions) => Promise<unknown> {
  const { endpoint, about, name, method } = calling;
  const part = { schema: method.input, what: `the input of "${name}"` };
  return (input, options) => {
    let data: string | Uint8Array;
    try {
      data = encode(about.codec, part, input);
    } catch (error) {
      return Promise.reject(error);
    }
    return endpoint.request(method.number, data, options).then(
      (answer) => {
        const validation = decode(about.codec, method.output, answer.data);
        return validation instanceof Promise
          ? validation.then((settled) => outputOf(calling, settled))
          : outputOf(calling, validation);
      },
      (error: unknown) => rethrow(calling, error),
    );
  };
}

function outputOf({ name, method }: Calling, validation: Validation): unknown {
  if (validation.fits) return validation.value;
  const { issues, bug } = validation;
  const about = { member: method, code: "ERR_INVALID_OUTPUT", data: issues };
  const message = `the answer to "${name}" does not fit: ${issuesText(issues)}`;
  throw new ContractError(about, message, bug && { cause: bug.thrown });
}

/** As an error of the contract's if it is one, and otherwise as it came. */
async function rethrow({ about, method }: Calling, error: unknown): Promise<never> {
  if (!(error instanceof RemoteError)) throw error;
  const { code, message, data } = error;
  if (code === "ERR_INVALID_INPUT" || code === "ERR_INVALID_OUTPUT") {
    const issues = receivedIssues(decodedIssues(about, data));
    throw new ContractError({ member: method, code, data: issues }, message, { cause: error });
  }
  const schema = method.errors[code];
  if (schema === undefined) throw error;
  const validation = await decode(about.codec, schema ?? undefined, data);
  // A code that means something else than the contract says is none of its codes.
  if (!validation.fits) throw error;
  throw new ContractError({ member: method, code, data: validation.value }, message, { cause: error });
}

function decodedIssues({ codec }: ContractInfo, data: Uint8Array): unknown {
  try {
    return decodeData(codec, data);
  } catch {
    return [];
  }
}
