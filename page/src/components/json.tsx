import type { Json } from "../api";

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
  const label = name === undefined ? null : <b>{name}: </b>;
  if (value === null || typeof value !== "object")
    return (
      <div class="json">
        {label}
        <span class={`json-${value === null ? "null" : typeof value}`}>
          {JSON.stringify(value)}
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
  return (
    <details class="json" open={depth > 0}>
      <summary>
        {label}
        <span class="muted">{`${open} ${entries.length} ${close}`}</span>
      </summary>
      {entries.map(([key, part]) => (
        <JsonView key={key} name={key} value={part} depth={depth - 1} />
      ))}
    </details>
  );
}
