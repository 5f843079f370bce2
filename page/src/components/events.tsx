import { useMemo, useState } from "preact/hooks";
import type { ResponseView, StreamEvent } from "../api";
import { isObject, list, text as textOf } from "../messages";
import { Copy } from "./copy";
import { JsonView } from "./json";
import { LongText, Text } from "./text";
import { VirtualList } from "./virtual_list";

export const seconds = (value: number) => `${value.toFixed(3)} s`;

/** The events of a stream as they came, and the selected one in full. */
export function Events({ response }: { response: ResponseView | null }) {
  const [selected, setSelected] = useState(0);
  const [filter, setFilter] = useState("");
  const all = response?.events ?? [];
  const events = useMemo(() => {
    const wanted = filter.toLowerCase();
    return wanted
      ? all.filter((event) => `${nameOf(event)} ${bodyOf(event)}`.toLowerCase().includes(wanted))
      : all;
  }, [all, filter]);
  if (all.length === 0) return <p class="muted">The response has no events.</p>;
  const event = events[Math.min(selected, events.length - 1)];
  return (
    <div class="events">
      <div class="bar">
        <input
          type="search"
          placeholder="Filter the events"
          aria-label="Filter the events"
          value={filter}
          onInput={({ currentTarget }) => {
            setFilter(currentTarget.value);
            setSelected(0);
          }}
        />
        <span class="muted" role="status">
          {filter && `${events.length.toLocaleString("en")} of `}
          {all.length.toLocaleString("en")} events
        </span>
      </div>
      <div class="master">
        <VirtualList
          count={events.length}
          label="Events"
          selected={Math.min(selected, events.length - 1)}
          select={setSelected}
          render={(index) => {
            const row = events[index];
            return row && <EventRow event={row} previous={events[index - 1]} />;
          }}
        />
        {event && <EventDetail event={event} />}
      </div>
    </div>
  );
}

function EventRow({ event, previous }: { event: StreamEvent; previous?: StreamEvent }) {
  return (
    <>
      <span class="time">{event.at.toFixed(3)}</span>
      <span class="time muted">+{(event.at - (previous?.at ?? 0)).toFixed(3)}</span>
      <span class={event.event ? "name" : "name muted"}>
        <Text>{nameOf(event)}</Text>
      </span>
      <span class="preview">
        <Text>{previewOf(event)}</Text>
      </span>
    </>
  );
}

/** One event: its time, its name, its id and its data. */
export function EventDetail({ event }: { event: StreamEvent }) {
  const body = event.data === undefined ? (event.text ?? "") : JSON.stringify(event.data, null, 2);
  return (
    <section class="detail" aria-label="The selected event">
      <div class="bar">
        <b>
          <Text>{nameOf(event)}</Text>
        </b>
        <span class="muted">at {seconds(event.at)}</span>
        {event.id !== undefined && (
          <span class="muted">
            id <Text>{event.id}</Text>
          </span>
        )}
        <Copy text={body} label="Copy data" />
      </div>
      {event.data === undefined ? (
        <LongText text={body} />
      ) : (
        <JsonView value={event.data} depth={4} />
      )}
    </section>
  );
}

/** The name of an event. In the event-stream protocol the method says more than the name. */
export function nameOf({ event, data }: StreamEvent): string {
  return event || (data === undefined ? "comment" : "message");
}

const bodyOf = ({ data, text }: StreamEvent) =>
  data === undefined ? (text ?? "") : JSON.stringify(data);

/** The text of a message or a chunk, else the beginning of the data; of the event-stream protocol the inner data. */
function previewOf(event: StreamEvent): string {
  const { data } = event;
  if (event.event.startsWith("messages")) {
    const [message] = list(data);
    const content = isObject(message) ? textOf(message.content) : "";
    if (content) return JSON.stringify(content.slice(-LONGEST));
  }
  const params = isObject(data) && data.type === "event" ? data.params : undefined;
  const inner = isObject(params) ? JSON.stringify(params.data ?? null) : bodyOf(event);
  return inner.slice(0, LONGEST);
}

const LONGEST = 200;
