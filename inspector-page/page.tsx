import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Sample } from "../src/inspector/event.ts";
import { events, Refused, recording, takeToken } from "./calls.ts";
import { after, empty, type Model } from "./model.ts";
import { Plot } from "./plot.tsx";
import { SendForm } from "./send-form.tsx";
import { Calls, Connections } from "./tables.tsx";
import { Timeline } from "./timeline.tsx";
import { bytes, count, ms } from "./words.ts";

/** The page is drawn no more often: however fast things happen, nobody reads faster. */
const drawMs = 150;

/** Where a key is a character, or chooses. */
const typedInto = "input:not([type=checkbox]), select, textarea";

/** Draws at most so often, and the last state in any case. */
class Screen {
  #model = empty;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #draw: (model: Model) => void;

  constructor(draw: (model: Model) => void) {
    this.#draw = draw;
  }

  change(change: (model: Model) => Model): void {
    this.#model = change(this.#model);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#draw(this.#model);
    }, drawMs);
  }
}

/** Listens until the process ends, or the inspector. */
async function listen(token: string | undefined, screen: Screen): Promise<void> {
  const end = (state: Model["state"], why: string): void =>
    screen.change((model) => ({ ...model, state, why }));
  if (token === undefined) {
    end("refused", "open the whole address, with what follows its #");
    return;
  }
  try {
    for await (const line of events(token, new AbortController().signal))
      screen.change((model) => after(model, line));
    end("over", "the inspector was closed");
  } catch (error) {
    if (error instanceof Refused) end("refused", error.message);
    else end("over", "the process has ended, or closed its inspector");
  }
}

const token = takeToken();

function Page() {
  const [model, setModel] = useState(empty);
  const [frozen, setFrozen] = useState<Model | undefined>();
  useEffect(() => void listen(token, new Screen(setModel)), []);
  useEffect(() => {
    document.title = `${model.title} – sealpipe inspector`;
  }, [model.title]);
  const shown = frozen ?? model;
  return (
    <>
      <header>
        <h1>{shown.title}</h1>
        <p role="status" class={`connection ${model.state}`}>
          {frozen === undefined ? model.state : "paused"}
          {model.why && `: ${model.why}`}
        </p>
        <Buttons model={model} isFrozen={frozen !== undefined} freeze={setFrozen} />
      </header>
      <main>
        <Overview model={shown} />
        <section aria-labelledby="connections">
          <h2 id="connections">Connections</h2>
          <Connections ends={shown.ends} more={shown.moreEnds} />
        </section>
        <section aria-labelledby="calls">
          <h2 id="calls">Requests and streams</h2>
          <Calls calls={shown.calls} />
        </section>
        {shown.allowSend && token !== undefined && (
          <section aria-labelledby="send">
            <h2 id="send">Send</h2>
            <SendForm token={token} ends={shown.ends} members={shown.members} />
          </section>
        )}
        <section aria-labelledby="timeline">
          <h2 id="timeline">Timeline</h2>
          {!shown.payloads && shown.state !== "connecting" && <p class="nothing">Data are hidden.</p>}
          <Timeline {...shown} />
        </section>
      </main>
    </>
  );
}

interface ButtonsProps {
  readonly model: Model;
  readonly isFrozen: boolean;
  readonly freeze: (model: Model | undefined) => void;
}

function Buttons({ model, isFrozen, freeze }: ButtonsProps) {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches(typedInto);
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "p") freeze(isFrozen ? undefined : model);
      if (event.key !== "/") return;
      event.preventDefault();
      document.getElementById("filter")?.focus();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
  return (
    <div class="buttons">
      <button
        type="button"
        aria-pressed={isFrozen}
        aria-keyshortcuts="p"
        onClick={() => freeze(isFrozen ? undefined : model)}
      >
        {isFrozen ? "Go on" : "Pause"}
      </button>
      <button type="button" disabled={model.state !== "live"} onClick={() => void save()}>
        Save recording
      </button>
    </div>
  );
}

async function save(): Promise<void> {
  if (token === undefined) return;
  const url = URL.createObjectURL(await recording(token));
  const link = document.createElement("a");
  link.href = url;
  link.download = "recording.ndjson";
  link.click();
  URL.revokeObjectURL(url);
}

function Overview({ model: { samples } }: { model: Model }) {
  const last = samples.at(-1);
  const values = (key: keyof Sample) => samples.map((sample) => sample[key]);
  return (
    <section aria-label="Overview">
      <dl class="tiles">
        <Tile name="Open" value={count(last?.open ?? 0)} />
        <Tile name="Messages a second" value={count((last?.sent ?? 0) + (last?.received ?? 0))} />
        <Tile name="Calls a second" value={count(last?.calls ?? 0)} />
        <Tile name="Failed a second" value={count(last?.failed ?? 0)} />
        <Tile name="Queued" value={bytes(last?.queuedBytes ?? 0)} />
        <Tile name="Resumes" value={count(samples.reduce((sum, { resumes }) => sum + resumes, 0))} />
      </dl>
      <div class="plots">
        <Plot
          title="Messages a second"
          lines={[
            { label: "sent", values: values("sent") },
            { label: "received", values: values("received") },
          ]}
          shown={count}
        />
        <Plot
          title="Latency"
          lines={[
            { label: "p50", values: values("p50Ms") },
            { label: "p99", values: values("p99Ms") },
          ]}
          shown={ms}
        />
        <Plot
          title="Waiting"
          lines={[
            { label: "queued", values: values("queuedBytes") },
            { label: "unread", values: values("unreadBytes") },
          ]}
          shown={bytes}
        />
      </div>
    </section>
  );
}

function Tile({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

render(<Page />, document.getElementById("page") as HTMLElement);
