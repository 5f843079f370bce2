import { useState } from "preact/hooks";
import type { Json } from "../api";
import { Text } from "./text";

const MANY = 200;

/** A JSON value as a tree; objects and lists open down to *depth*. */
export function JsonView({
  value,
  name,
  depth = 2,
}: {
  value: Json;
  name?: string;
  depth?: number;
}) {
  const label =
    name === undefined ? null : (
      <b>
        <Text>{name}</Text>:{" "}
      </b>
    );
  if (value === null || typeof value !== "object")
    return (
      <div class="json">
        {label}
        <span class={`json-${value === null ? "null" : typeof value}`}>
          <Text>{JSON.stringify(value)}</Text>
        </span>
      </div>
    );
  const entries = Object.entries(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (entries.length === 0)
    return (
      <div class="json">
        {label}
        {`${open}${close}`}
      </div>
    );
  return <Branch entries={entries} label={label} brackets={[open, close]} depth={depth} />;
}

function Branch({
  entries,
  label,
  brackets: [open, close],
  depth,
}: {
  entries: [string, Json][];
  label: preact.ComponentChildren;
  brackets: [string?, string?];
  depth: number;
}) {
  const [isOpen, setOpen] = useState(depth > 0);
  const [shown, setShown] = useState(MANY);
  return (
    <details
      class="json"
      open={isOpen}
      onToggle={(event) =>
        event.target === event.currentTarget && setOpen(event.currentTarget.open)
      }
    >
      <summary>
        {label}
        <span class="muted">{`${open} ${entries.length} ${close}`}</span>
      </summary>
      {isOpen &&
        entries
          .slice(0, shown)
          .map(([key, part]) => <JsonView key={key} name={key} value={part} depth={depth - 1} />)}
      {isOpen && entries.length > shown && (
        <button type="button" onClick={() => setShown(shown + MANY)}>
          {entries.length - shown} more
        </button>
      )}
    </details>
  );
}
