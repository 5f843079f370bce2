import { useEffect, useRef, useState } from "preact/hooks";
import type { Api, ExchangeRow } from "../api";
import { Text } from "./text";

const PIECE = 100;

/** The exchanges of a *cassette*, or of all, in pieces; the list begins with the piece of *selected*. */
export function ExchangeList({
  api,
  cassette,
  search,
  selected,
  hasPlays,
  href,
}: {
  api: Api;
  cassette?: string;
  search: string;
  selected?: number;
  hasPlays: boolean;
  href: (row: ExchangeRow) => string;
}) {
  const start = selected && cassette && !search ? Math.ceil(selected / PIECE) : 1;
  const [pages, setPages] = useState({ first: start, last: start });
  const [loaded, setLoaded] = useState<Map<number, ExchangeRow[]>>(new Map());
  const [total, setTotal] = useState<number>();
  const [error, setError] = useState("");

  const wanted = !loaded.has(pages.first) ? pages.first : pages.last;
  useEffect(() => {
    if (loaded.has(wanted)) return;
    let isCurrent = true;
    api.exchanges({ page: wanted, perPage: PIECE, cassette, search }).then(
      (answer) => {
        if (!isCurrent) return;
        setLoaded((before) => new Map(before).set(wanted, answer.rows));
        setTotal(answer.total);
      },
      ({ message }: Error) => isCurrent && setError(message),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, cassette, search, wanted, loaded]);

  if (error) return <p role="alert">{error}</p>;
  if (total === undefined) return <p class="muted">Loading…</p>;
  const rows = [...loaded.entries()]
    .sort(([left], [right]) => left - right)
    .flatMap(([, piece]) => piece);
  const isMore = pages.last * PIECE < total && loaded.has(pages.last);
  return (
    <>
      {search && (
        <p class="muted" role="status">
          {total.toLocaleString("en")} found
        </p>
      )}
      {pages.first > 1 && (
        <button
          type="button"
          disabled={!loaded.has(pages.first)}
          onClick={() => setPages({ ...pages, first: pages.first - 1 })}
        >
          Earlier exchanges
        </button>
      )}
      <ol class="exchange-rows">
        {rows.map((row) => (
          <li key={row.exchange}>
            <a href={href(row)} aria-current={isSelected(row, cassette, selected) && "page"}>
              <Row row={row} isNamed={!cassette} hasPlays={hasPlays} />
            </a>
          </li>
        ))}
      </ol>
      {isMore && (
        <More onMore={() => setPages((before) => ({ ...before, last: before.last + 1 }))}>
          {total - pages.last * PIECE} more
        </More>
      )}
    </>
  );
}

const isSelected = (row: ExchangeRow, cassette?: string, selected?: number) =>
  row.number === selected && (!cassette || row.cassette === cassette);

function Row({
  row,
  isNamed,
  hasPlays,
}: {
  row: ExchangeRow;
  isNamed: boolean;
  hasPlays: boolean;
}) {
  return (
    <>
      <span class="row-head">
        <span class="number">{isNamed ? <Text>{row.exchange}</Text> : `#${row.number}`}</span>
        <span class="preview">
          <Text>{`${row.method} ${short(row.path)}`}</Text>
        </span>
        {hasPlays && row.played > 0 && (
          <span class="played" title={`played ${row.played} times`}>
            {row.played}×
          </span>
        )}
      </span>
      {(row.human || row.asked) && (
        <span class="row-detail">
          {row.asked && (
            <span class="asked">
              <Text>{row.asked}</Text>
            </span>
          )}
          {row.human && (
            <span class="preview">
              <Text>{row.human}</Text>
            </span>
          )}
        </span>
      )}
    </>
  );
}

/** A path without the middle of its ids: `/threads/01a2…/runs/stream`. */
export const short = (path: string) =>
  path.replace(/([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "$1…");

/** A button that presses itself when it is scrolled into view. */
function More({ onMore, children }: { onMore: () => void; children: preact.ComponentChildren }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && onMore());
    if (button.current) observer.observe(button.current);
    return () => observer.disconnect();
  });
  return (
    <button type="button" ref={button} onClick={onMore}>
      {children}
    </button>
  );
}
