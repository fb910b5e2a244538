import { connect as bindTo, serve } from "../../build/bundle/contract/index.js";
import { startClient, startServer } from "../../build/bundle/index.js";
import { type Checking, contractChecking } from "./contract.ts";
import type { Question } from "./data.ts";

/** A request without a contract: of bytes, or of JSON that the programs write and read themselves. */
export type Raw = "raw" | "raw-json";

export function listen(
  name: string,
  checking: Checking | Raw,
  encryption: boolean,
  listening: () => void,
): void {
  const started =
    checking === "raw" || checking === "raw-json"
      ? startServer(name, { encryption }).then((server) =>
          server.handle(1, checking === "raw" ? same : reread),
        )
      : serve(name, contractChecking(checking), { ask: (question) => question }, { encryption });
  void started.then(listening);
}

export async function connect(name: string, checking: Checking | Raw, encryption: boolean) {
  if (checking === "raw" || checking === "raw-json") {
    const client = await startClient(name, { encryption });
    const askInJson = async (question: Question) =>
      JSON.parse((await client.request(1, JSON.stringify(question))).text);
    if (checking === "raw-json") return { ask: askInJson, close: () => client.close() };
    // The bytes are those of the same text; nobody makes them or reads them.
    const ask = (question: Question) => client.request(1, texts.get(question) as string);
    return { ask, close: () => client.close() };
  }
  const app = await bindTo(name, contractChecking(checking), { encryption });
  return { ask: (question: Question) => app.ask(question), close: () => app.close() };
}

/** For raw requests: the text of each question, made before. */
export const texts = new Map<Question, string>();

const same = ({ data }: { readonly data: Uint8Array }) => data;
const reread = ({ text }: { readonly text: string }) => JSON.stringify(JSON.parse(text));
