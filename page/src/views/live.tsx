import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Api } from "../api";
import { Text } from "../components/text";
import { count, nameSession } from "../format";
import { CallDetail } from "../live/call_detail";
import { CallList } from "../live/call_list";
import { type Calls, countSources, type Filter, isProblem, NO_FILTER, select } from "../live/feed";
import { type Feed, useFeed } from "../live/use_feed";
import { go } from "../route";
import type { Follow } from "../server_api";

/** What stays while another view is shown. */
const remembered = { filter: NO_FILTER, clearedTo: 0 };

/** Have the view Live show the requests of *session* only. */
export function showSession(session: string): void {
  remembered.filter = { ...NO_FILTER, session };
  go("live");
}

/** The requests of the server as they come. */
export function Live({ api, follow, place }: { api: Api; follow?: Follow; place: string }) {
  const feed = useFeed(api, follow);
  const [filter, setFilter] = useState(remembered.filter);
  const [clearedTo, setClearedTo] = useState(remembered.clearedTo);
  const [isPaused, setPaused] = useState(false);
  /** The newest request that is shown, while the list stands still. */
  const [newest, setNewest] = useState<number | null>(null);
  const [restart, setRestart] = useState(0);
  const isTop = useRef(true);
  const open = /^\d+$/.test(place) ? Number(place) : null;
  const { calls, run, loadOlder } = feed;

  remembered.filter = filter;
  remembered.clearedTo = clearedTo;

  const present = useMemo(
    () => calls.filter(({ number }) => number > clearedTo),
    [calls, clearedTo],
  );
  const selected = useMemo(() => select(present, filter), [present, filter]);
  const shown = useMemo(
    () => (newest === null ? selected : selected.filter(({ number }) => number <= newest)),
    [selected, newest],
  );
  const fresh = selected.length - shown.length;
  const opened = calls.find(({ number }) => number === open);

  useEffect(() => {
    if (run === 0) return;
    setClearedTo(0);
    setNewest(null);
    setRestart((before) => before + 1);
  }, [run]);

  useEffect(() => {
    if (open === null) return;
    const close = ({ key }: KeyboardEvent) => key === "Escape" && go("live");
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, [open]);

  const hold = (none: number | null = null) =>
    setNewest((before) => before ?? calls[0]?.number ?? none);
  const release = () => {
    setNewest(null);
    setPaused(false);
    setRestart((before) => before + 1);
  };
  const follows = () => isTop.current && !isPaused;
  const onTop = (is: boolean) => {
    isTop.current = is;
    if (!is) hold();
    else if (follows() && fresh === 0) setNewest(null);
  };
  // While a request is read, the list beside it stands still.
  useEffect(() => {
    if (open !== null) hold();
    else if (follows()) setNewest(null);
  }, [open, calls.length > 0]);
  const onEnd = useCallback(() => {
    if (feed.hasOlder && clearedTo === 0) loadOlder();
  }, [feed.hasOlder, clearedTo, loadOlder]);
  const isSearching = shown.length === 0 && calls.length > 0 && feed.hasOlder && clearedTo === 0;
  useEffect(() => {
    if (isSearching) loadOlder();
  }, [isSearching, calls.length]);
  const change = (next: Partial<Filter>) => {
    setFilter({ ...filter, ...next });
    setRestart((before) => before + 1);
  };

  return (
    <div class={`live${open === null ? "" : " is-open"}`}>
      <section class="list-pane" aria-label="Live">
        {open === null && <h1 class="unseen">Live</h1>}
        <div class="list-head">
          <Filters calls={present} filter={filter} change={change} />
          <div class="bar">
            <span class="muted">
              {selected.length === present.length
                ? count(present.length, "request")
                : `${selected.length.toLocaleString("en")} of ${count(present.length, "request")}`}
              {feed.hasOlder && clearedTo === 0 && " loaded"}
            </span>
            {follow && (
              <>
                <button
                  type="button"
                  aria-pressed={isPaused}
                  onClick={() => {
                    if (isPaused) return release();
                    setPaused(true);
                    hold(0);
                  }}
                >
                  {isPaused ? "Resume" : "Pause"}
                </button>
                <button type="button" onClick={() => setClearedTo(calls[0]?.number ?? 0)}>
                  Clear
                </button>
              </>
            )}
            {clearedTo > 0 && (
              <button type="button" onClick={() => setClearedTo(0)}>
                Show cleared
              </button>
            )}
            <span role="status" class="fresh">
              {fresh > 0 && (
                <button type="button" class="primary" onClick={release}>
                  ↑ {fresh.toLocaleString("en")} new
                </button>
              )}
            </span>
          </div>
        </div>
        <Notices feed={feed} />
        {shown.length > 0 ? (
          <CallList
            calls={shown}
            open={open}
            onOpen={(number) => go("live", String(number))}
            onEnd={onEnd}
            onTop={onTop}
            startsAgain={restart}
          />
        ) : (
          <Empty
            isFiltered={present.length > 0}
            isFollowing={follow !== undefined}
            isBusy={isSearching || (feed.connection === "connecting" && !feed.error)}
          />
        )}
      </section>
      {open !== null && <CallDetail api={api} number={open} seconds={opened?.seconds} run={run} />}
    </div>
  );
}

function Filters({
  calls,
  filter,
  change,
}: {
  calls: Calls;
  filter: Filter;
  change: (next: Partial<Filter>) => void;
}) {
  const sources = useMemo(() => countSources(calls), [calls]);
  const sessions = useMemo(() => [...new Set(calls.map(({ session }) => session))].sort(), [calls]);
  const problems = useMemo(() => calls.filter(isProblem).length, [calls]);
  const { session } = filter;
  return (
    <search class="filters">
      <input
        type="search"
        aria-label="Filter by text"
        placeholder="Filter: path, body, exchange…"
        value={filter.text}
        onInput={({ currentTarget }) => change({ text: currentTarget.value })}
      />
      {(sessions.length > 1 || session !== null) && (
        <select
          aria-label="Filter by session"
          value={session === null ? "all" : `=${session}`}
          onChange={({ currentTarget: { value } }) =>
            change({ session: value === "all" ? null : value.slice(1) })
          }
        >
          <option value="all">all sessions</option>
          {[...new Set([...sessions, ...(session === null ? [] : [session])])].map((name) => (
            <option key={name} value={`=${name}`}>
              {nameSession(name)}
            </option>
          ))}
        </select>
      )}
      <fieldset class="chips">
        <legend class="unseen">Filter by who answered</legend>
        {sources.map(([source, number]) => (
          <button
            key={source}
            type="button"
            class={`source-${source}`}
            aria-pressed={filter.source === source}
            onClick={() => change({ source: filter.source === source ? null : source })}
          >
            {source} <b>{number.toLocaleString("en")}</b>
          </button>
        ))}
        <button
          type="button"
          class="source-miss"
          aria-pressed={filter.onlyProblems}
          onClick={() => change({ onlyProblems: !filter.onlyProblems })}
        >
          problems only <b>{problems.toLocaleString("en")}</b>
        </button>
      </fieldset>
    </search>
  );
}

function Notices({ feed: { connection, dropped, run, error } }: { feed: Feed }) {
  const [dismissed, setDismissed] = useState(0);
  return (
    <div role="status" class="notices">
      {connection === "lost" && <p class="notice">The server does not answer. Connecting again…</p>}
      {connection !== "lost" && run > dismissed && (
        <p class="notice">
          The server was restarted, and has forgotten {count(dropped ?? 0, "earlier request")}.{" "}
          <button type="button" onClick={() => setDismissed(run)}>
            OK
          </button>
        </p>
      )}
      {connection !== "lost" && error && (
        <p class="notice">
          <Text>{error}</Text>
        </p>
      )}
    </div>
  );
}

function Empty({
  isFiltered,
  isFollowing,
  isBusy,
}: {
  isFiltered: boolean;
  isFollowing: boolean;
  isBusy: boolean;
}) {
  if (isBusy) return <p class="empty">Loading…</p>;
  if (isFiltered) return <p class="empty">No request fits the filter.</p>;
  if (!isFollowing) return <p class="empty">There were no requests.</p>;
  return (
    <div class="empty">
      <p>No requests yet. Point your client at this server:</p>
      <p>
        <code>{location.origin}</code>
      </p>
    </div>
  );
}
