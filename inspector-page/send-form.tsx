import { useState } from "preact/hooks";
import type { EndState, NamedMember } from "../src/inspector/event.ts";
import { send } from "./calls.ts";
import { printable } from "./words.ts";

interface SendFormProps {
  readonly token: string;
  readonly ends: readonly EndState[];
  readonly members: readonly NamedMember[];
}

/** Sends a message or a request by a connection of the process, if the inspector was started with that. */
export function SendForm({ token, ends, members }: SendFormProps) {
  const [outcome, setOutcome] = useState("");
  const senders = ends.filter(({ kind, status }) => kind !== "server" && status === "connected");
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setOutcome("…");
    setOutcome(
      await send(token, {
        connection: Number(form.get("connection")),
        kind: form.get("kind") === "request" ? "request" : "message",
        type: Number(form.get("type")),
        text: String(form.get("data")),
      }).catch((error: Error) => `failed: ${error.message}`),
    );
  };
  return (
    <form class="send" onSubmit={(event) => void submit(event)}>
      <label>
        By connection{" "}
        <select name="connection" required>
          {senders.map(({ connection, kind, peer }) => (
            <option key={connection} value={String(connection)}>
              {printable(`${connection} ${kind}${peer === undefined ? "" : `, to ${peer}`}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        A{" "}
        <select name="kind">
          <option value="request">request</option>
          <option value="message">message</option>
        </select>
      </label>
      <label>
        of type <input name="type" type="number" min="1" max="4294967295" required list="members" />
        <datalist id="members">
          {members
            .filter(({ kind }) => kind !== "stream")
            .map(({ name, kind, number }) => (
              <option key={name} value={String(number)}>{`${kind} ${name}`}</option>
            ))}
        </datalist>
      </label>
      <label class="wide">
        with the data <textarea name="data" rows={3} spellcheck={false} />
      </label>
      <button type="submit" disabled={senders.length === 0}>
        Send
      </button>
      <output>{printable(outcome)}</output>
    </form>
  );
}
