// Sends requests to the server that this page comes from, in a session of their own.

import type { Json, JsonObject, ResponseView, StreamEvent } from "../api";
import { EventParser, type ServerSentEvent } from "./sse";

/** How often a stream that arrives is shown. */
const SHOW_MS = 60;

/** Return a random id of 32 hexadecimal digits. */
export function createId(): string {
  // Not crypto.randomUUID: a page of http://192.168.0.1 has none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return a random UUID. */
export function createUuid(): string {
  const digits = createId();
  const parts = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/.exec(digits) ?? [];
  const [, first, second, third, fourth, last] = parts;
  return `${first}-${second}-4${third}-8${fourth}-${last}`;
}

const KEY = "mockserver-session";

/** The session of this tab of the browser; it survives a reload. */
export function findSession(): string {
  const known = sessionStorage.getItem(KEY);
  if (known) return known;
  const name = `page-${createId().slice(0, 4)}`;
  sessionStorage.setItem(KEY, name);
  return name;
}

/** The URL of the server for clients, without a slash at the end. */
export const serverUrl = (): string =>
  new URL("..", location.href.replace(/[?#].*/, "")).href.replace(/\/$/, "");

export async function post(
  session: string,
  path: string,
  body: JsonObject,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`session/${session}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

/** Read *response*, and call *show* with what has arrived of it, now and then, and at its end. */
export async function read(
  response: Response,
  start: number,
  show: (response: ResponseView) => void,
): Promise<void> {
  const { status, headers } = response;
  const view: ResponseView = { status, headers: [...headers] };
  const elapsed = () => Math.round(performance.now() - start) / 1000;
  if (!headers.get("content-type")?.startsWith("text/event-stream") || !response.body) {
    const text = await response.text();
    show({ ...view, ...readBody(text), seconds: elapsed() });
    return;
  }
  const events: StreamEvent[] = [];
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let shown = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const at = elapsed();
      for (const event of parser.feed(value)) events.push({ at, ...readEvent(event) });
      if (performance.now() - shown < SHOW_MS) continue;
      shown = performance.now();
      show({ ...view, events: [...events] });
    }
  } catch (error) {
    const end = (error as Error).name === "AbortError" ? "stopped" : "cut";
    show({ ...view, events, end, seconds: elapsed() });
    return;
  }
  show({ ...view, events, seconds: elapsed() });
}

function readBody(text: string): { body: Json } | { text: string } {
  try {
    return { body: JSON.parse(text) };
  } catch {
    return { text };
  }
}

function readEvent({ event, id, data, comment }: ServerSentEvent): Omit<StreamEvent, "at"> {
  if (data === undefined) return { event, text: comment ?? "" };
  const read = readBody(data);
  const value = "body" in read ? { data: read.body } : { text: data };
  return { event, ...value, ...(id !== undefined && { id }) };
}
