import { useEffect, useRef, useState } from "preact/hooks";
import type { Json, JsonObject, ResponseView } from "../api";
import type { RequestView } from "../conversation";
import { createBody } from "./snippets";
import { post, read } from "./stream";

export interface Turn {
  request: RequestView;
  response: ResponseView | null;
}

export interface Choice {
  graph: string;
  modes: string[];
  hasThread: boolean;
}

export interface Runs {
  turns: Turn[];
  /** The thread of the turns, once there is one. */
  thread: string | null;
  isRunning: boolean;
  error: string;
  start: (choice: Choice, payload: Payload) => Promise<void>;
  stop: () => void;
  /** Begin without a thread and without turns. */
  clear: () => void;
}

type Payload = { input: JsonObject } | { command: { resume: Json } };

/** Runs in *session*, one after the other, on one thread or on none. */
export function useRuns(session: string): Runs {
  const [turns, setTurns] = useState<Turn[]>([]);
  const [thread, setThread] = useState<string | null>(null);
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState("");
  const controller = useRef<AbortController | null>(null);

  useEffect(() => () => controller.current?.abort(), []);

  const start = async (choice: Choice, payload: Payload) => {
    const current = new AbortController();
    const { signal } = current;
    controller.current = current;
    const earlier = choice.hasThread && thread !== null ? turns : [];
    setRunning(true);
    setError("");
    try {
      let path = "/runs/stream";
      if (choice.hasThread) {
        const id = thread ?? (await createThread(session, signal));
        setThread(id);
        path = `/threads/${id}/runs/stream`;
      } else setThread(null);
      const body = createBody(choice, payload);
      const request = { method: "POST", path, body };
      setTurns([...earlier, { request, response: null }]);
      const begun = performance.now();
      const response = await post(session, path, body, signal);
      await read(response, begun, (view) => setTurns([...earlier, { request, response: view }]));
    } catch (failure) {
      if (!signal.aborted) setError((failure as Error).message);
    } finally {
      if (controller.current === current) setRunning(false);
    }
  };

  const clear = () => {
    controller.current?.abort();
    controller.current = null;
    setTurns([]);
    setThread(null);
    setRunning(false);
    setError("");
  };

  return { turns, thread, isRunning, error, start, stop: () => controller.current?.abort(), clear };
}

async function createThread(session: string, signal: AbortSignal): Promise<string> {
  const response = await post(session, "/threads", {}, signal);
  const body = (await response.json()) as { thread_id?: string; detail?: string };
  if (!response.ok || !body.thread_id)
    throw new Error(`POST /threads: ${body.detail ?? `status ${response.status}`}`);
  return body.thread_id;
}
