import { useState } from "preact/hooks";
import type { Json, JsonObject } from "../api";
import { Folded } from "./folded";
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
      <span class="json-name">
        <Text>{name}</Text>:{" "}
      </span>
    );
  if (value === null || typeof value !== "object" || isShort(value))
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
  return <Branch entries={entries} label={label} brackets={[open, close]} depth={depth} />;
}

const SHORT = 64;

/** Whether a list or an object is empty, or a list of few plain values, so that a line shows it. */
function isShort(value: JsonObject | Json[]): boolean {
  const parts = Object.values(value);
  if (parts.length === 0) return true;
  return (
    Array.isArray(value) &&
    parts.length < SHORT &&
    parts.every((part) => part === null || typeof part !== "object") &&
    JSON.stringify(value).length < SHORT
  );
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
  const [shown, setShown] = useState(MANY);
  return (
    <Folded
      class="json"
      isOpen={depth > 0}
      summary={
        <>
          {label}
          <span class="muted">{`${open} ${entries.length} ${close}`}</span>
        </>
      }
      render={() => (
        <>
          {entries.slice(0, shown).map(([key, part]) => (
            <JsonView key={key} name={key} value={part} depth={depth - 1} />
          ))}
          {entries.length > shown && (
            <button type="button" onClick={() => setShown(shown + MANY)}>
              {entries.length - shown} more
            </button>
          )}
        </>
      )}
    />
  );
}
