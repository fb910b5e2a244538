import { useState } from "preact/hooks";
import type { EndState, TimelineEvent } from "../src/inspector/event.ts";
import { type Filter, filtered, type Group, groups } from "./model.ts";
import { count, printable, summary, time } from "./words.ts";

interface TimelineProps {
  readonly events: readonly TimelineEvent[];
  readonly ends: readonly EndState[];
  readonly told: number;
  readonly dropped: number;
}

/** What happened, the newest first. */
export function Timeline({ events, ends, told, dropped }: TimelineProps) {
  const [filter, setFilter] = useState<Filter>({ text: "", hidden: new Set(), connection: 0 });
  const { rows, more } = filtered(events, filter);
  return (
    <>
      <Filters filter={filter} ends={ends} set={setFilter} />
      <p class="counts" role="status">
        {count(told)} events{more > 0 && `, ${count(more)} older ones not shown`}
        {dropped > 0 && <strong class="full"> {count(dropped)} came too fast for this page</strong>}
      </p>
      {rows.length === 0 && <p class="nothing">Nothing that the filter lets through.</p>}
      <ol class="timeline">
        {rows.map((event) => (
          <Row key={event.seq} event={event} />
        ))}
      </ol>
    </>
  );
}

interface FiltersProps {
  readonly filter: Filter;
  readonly ends: readonly EndState[];
  readonly set: (filter: Filter) => void;
}

function Filters({ filter, ends, set }: FiltersProps) {
  const toggle = (group: Group, shown: boolean): void => {
    const hidden = new Set(filter.hidden);
    if (shown) hidden.delete(group);
    else hidden.add(group);
    set({ ...filter, hidden });
  };
  return (
    <div class="filters">
      <label>
        Filter{" "}
        <input
          id="filter"
          type="search"
          placeholder="type 5, a name, a code, text ( / )"
          value={filter.text}
          onInput={({ currentTarget }) => set({ ...filter, text: currentTarget.value })}
        />
      </label>
      <label>
        Connection{" "}
        <select
          value={String(filter.connection)}
          onChange={({ currentTarget }) => set({ ...filter, connection: Number(currentTarget.value) })}
        >
          <option value="0">all</option>
          {ends.map(({ connection, kind }) => (
            <option key={connection} value={String(connection)}>
              {`${connection} ${kind}`}
            </option>
          ))}
        </select>
      </label>
      <fieldset>
        <legend>Show</legend>
        {(Object.keys(groups) as Group[]).map((group) => (
          <label key={group}>
            <input
              type="checkbox"
              checked={!filter.hidden.has(group)}
              onChange={({ currentTarget }) => toggle(group, currentTarget.checked)}
            />{" "}
            {group}
          </label>
        ))}
      </fieldset>
    </div>
  );
}

function Row({ event }: { event: TimelineEvent }) {
  const { seq, ms, connection, from, kind, id, code } = event;
  return (
    <li data-seq={seq}>
      <details>
        <summary>
          <span class="time">{time(ms)}</span>
          <span class="where" title={`from the ${from}`}>
            {connection} {from === "client" ? "→" : "←"}
          </span>
          <span class={`kind ${code === undefined ? "" : "bad"}`}>{kind}</span>
          {id !== undefined && <span class="id">#{id}</span>}
          <span class="summary">{summary(event)}</span>
        </summary>
        <Detail event={event} />
      </details>
    </li>
  );
}

function Detail({ event }: { event: TimelineEvent }) {
  const { seq: _, text, base64, decoded, ...rest } = event;
  const data = decoded ?? text ?? base64;
  return (
    <>
      <dl>
        {Object.entries(rest).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{printable(String(value))}</dd>
          </div>
        ))}
      </dl>
      {data !== undefined && <pre>{printable(indented(data))}</pre>}
    </>
  );
}

function indented(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), undefined, 2);
  } catch {
    return data;
  }
}
