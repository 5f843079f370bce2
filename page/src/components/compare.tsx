import { useState } from "preact/hooks";
import type { Api, Change, ExchangeRow, ExchangeView, Json } from "../api";
import { useAsked } from "../asked";
import { ExchangeList } from "./exchange_list";
import { JsonView } from "./json";
import { Text } from "./text";

/** Choose an exchange to compare *exchange* with. */
export function ChooseOther({
  api,
  exchange,
  href,
}: {
  api: Api;
  exchange: ExchangeView;
  href: (label: string) => string;
}) {
  const [search, setSearch] = useState(exchange.path);
  return (
    <>
      <p>
        Compare <Text>{exchange.exchange}</Text> with another exchange:
      </p>
      <input
        type="search"
        aria-label="Search an exchange to compare with"
        value={search}
        onInput={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      <ExchangeList
        key={search}
        api={api}
        search={search}
        hasPlays={false}
        href={(row: ExchangeRow) => href(row.exchange)}
      />
    </>
  );
}

/** What differs between two exchanges, field by field. */
export function Comparison({
  api,
  left,
  right,
  back,
}: {
  api: Api;
  left: string;
  right: string;
  back: string;
}) {
  const { answer: changes, error } = useAsked(() => api.compare(left, right), [api, left, right]);
  return (
    <>
      <p class="bar">
        <span>
          <Text>{left}</Text> compared with <Text>{right}</Text>
        </span>
        <a href={back}>Choose another</a>
      </p>
      {error && <p role="alert">{error}</p>}
      {!changes && !error && <p class="muted">Loading…</p>}
      {changes && <Changes changes={changes} left={left} right={right} />}
    </>
  );
}

const MANY = 200;

/** Differences, field by field; *left* and *right* name the two sides. */
export function Changes({
  changes,
  left,
  right,
}: {
  changes: Change[];
  left: string;
  right: string;
}) {
  const [shown, setShown] = useState(MANY);
  if (changes.length === 0) return <p role="status">No differences, apart from ids and times.</p>;
  return (
    <>
      <p class="muted" role="status">
        {changes.length === 1 ? "1 field differs" : `${changes.length} fields differ`}, apart from
        ids and times.
      </p>
      <ol class="changes">
        {changes.slice(0, shown).map((change) => (
          <li key={change.path}>
            <code>
              <Text>{change.path || "(all)"}</Text>
            </code>
            {change.times && <span class="muted"> and {change.times - 1} more like this</span>}
            <Side name={left} value={change.left} other={change.right} />
            <Side name={right} value={change.right} other={change.left} />
          </li>
        ))}
      </ol>
      {changes.length > shown && (
        <button type="button" onClick={() => setShown(shown + MANY)}>
          {changes.length - shown} more
        </button>
      )}
    </>
  );
}

function Side({ name, value, other }: { name: string; value?: Json; other?: Json }) {
  return (
    <div class="side">
      <span class="muted">
        <Text>{name}</Text>
      </span>
      <div>
        {value === undefined ? (
          <span class="muted">absent</span>
        ) : typeof value === "string" && typeof other === "string" ? (
          <Changed value={value} other={other} />
        ) : (
          <JsonView value={value} depth={1} />
        )}
      </div>
    </div>
  );
}

/** A text with the part that the *other* does not have. */
function Changed({ value, other }: { value: string; other: string }) {
  let start = 0;
  while (start < value.length && value[start] === other[start]) start += 1;
  let end = 0;
  while (
    end < Math.min(value.length, other.length) - start &&
    value[value.length - 1 - end] === other[other.length - 1 - end]
  )
    end += 1;
  const around = 60;
  const before = value.slice(0, start);
  const after = value.slice(value.length - end);
  return (
    <span class="json">
      "<Text>{before.length > around ? `…${before.slice(-around)}` : before}</Text>
      <em class="changed">
        <Text>{value.slice(start, value.length - end)}</Text>
      </em>
      <Text>{after.length > around ? `${after.slice(0, around)}…` : after}</Text>"
    </span>
  );
}
