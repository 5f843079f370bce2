import { useEffect, useRef, useState } from "preact/hooks";
import type { Api } from "../api";
import type { Follow, News } from "../server_api";
import { type Calls, isRestarted, merge, update } from "./feed";

/** Beyond this number the view forgets the oldest requests, as the server does. */
const MAX_CALLS = 20_000;

/** How long news is collected before it is shown. */
const COLLECT_MS = 100;

/** Whether no request is missing between *piece*, the oldest first, and the request *newest*. */
const reachesTo = (piece: Calls, newest = 0) => (piece[0]?.number ?? 0) <= newest + 1;

export type Connection = "connecting" | "connected" | "lost";

export interface Feed {
  calls: Calls;
  connection: Connection;
  /** How many requests were dropped when the server came back after a restart. */
  dropped: number | null;
  /** Counts the restarts of the server: the numbers of requests begin again with each. */
  run: number;
  hasOlder: boolean;
  loadOlder: () => void;
  error: string;
}

/** The requests of the server: the last ones, those that come, and by *loadOlder* earlier ones. */
export function useFeed(api: Api, follow?: Follow): Feed {
  const [calls, setCalls] = useState<Calls>([]);
  const [connection, setConnection] = useState<Connection>(follow ? "connecting" : "connected");
  const [run, setRun] = useState({ number: 0, dropped: null as number | null });
  const [hasOlder, setHasOlder] = useState(true);
  const [error, setError] = useState("");
  const known = useRef<Calls>(calls);
  const isLoading = useRef(false);

  const show = (next: Calls) => {
    known.current = next.length > MAX_CALLS ? next.slice(0, MAX_CALLS) : next;
    setCalls(known.current);
  };

  useEffect(() => {
    let isMounted = true;
    let queue: News[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;

    /** Load what came since the newest known request, or the last requests if there is none. */
    const load = async () => {
      flush();
      const newest = known.current[0]?.number;
      try {
        const { calls: latest } = await api.calls();
        if (!isMounted) return;
        if (isRestarted(known.current, latest)) {
          const dropped = known.current.length;
          setRun(({ number }) => ({ number: number + 1, dropped }));
          known.current = [];
        }
        setHasOlder(latest.length > 0);
        setError("");
        const isKnown = known.current.length > 0;
        show(merge(known.current, latest));
        let piece = latest;
        while (isKnown && isMounted && !reachesTo(piece, newest)) {
          piece = (await api.calls(piece[0]?.number)).calls;
          show(merge(known.current, piece));
        }
      } catch (failure) {
        if (isMounted) setError((failure as Error).message);
      }
    };
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      if (queue.length > 0) show(update(known.current, queue));
      queue = [];
    };
    const tell = (news: News) => {
      if (news.event === "reload") load();
      queue.push(news);
      timer ??= setTimeout(flush, COLLECT_MS);
    };
    const connected = (is: boolean) => {
      setConnection(is ? "connected" : "lost");
      if (is) load();
    };

    const stop = follow?.(tell, connected);
    if (!follow) load();
    return () => {
      isMounted = false;
      clearTimeout(timer);
      stop?.();
    };
  }, [api, follow]);

  const loadOlder = async () => {
    const oldest = known.current.at(-1);
    if (!oldest || isLoading.current) return;
    isLoading.current = true;
    try {
      const { calls: older } = await api.calls(oldest.number);
      setHasOlder(older.length > 0);
      show(merge(known.current, older));
    } catch (failure) {
      setHasOlder(false);
      setError((failure as Error).message);
    } finally {
      isLoading.current = false;
    }
  };

  return { calls, connection, dropped: run.dropped, run: run.number, hasOlder, loadOlder, error };
}
