// The control API of the server that this page comes from.

import type { Api, Call, Health, Json, JsonObject, Session } from "./api";

/** A refusal of the server, in its own words. */
export class Refused extends Error {}

export async function ask<Answer>(path: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(path, init);
  if (response.ok) return (await response.json()) as Answer;
  const body = (await response.json().catch(() => null)) as JsonObject | null;
  throw new Refused(typeof body?.detail === "string" ? body.detail : `status ${response.status}`);
}

const encode = (label: string) => label.split("/").map(encodeURIComponent).join("/");

/** `chat.yaml#3` as the path `chat.yaml/3`. */
const place = (label: string) => encode(label.replace(/#(\d+)$/, "/$1"));

export const server: Api = {
  health: () => ask("health"),
  cassettes: async () => (await ask<{ cassettes: [] }>("cassettes")).cassettes,
  async exchanges({ page, perPage, cassette, search }) {
    const query = new URLSearchParams({ page: String(page), per_page: String(perPage) });
    if (cassette) query.set("cassette", cassette);
    if (search) query.set("search", search);
    const { exchanges, total } = await ask<{ exchanges: []; total: number }>(`exchanges?${query}`);
    return { rows: exchanges, total };
  },
  exchange: (label) => ask(`exchanges/${place(label)}`),
  async findings(cassette) {
    const query = cassette ? `?${new URLSearchParams({ cassette })}` : "";
    return (await ask<{ findings: [] }>(`lint${query}`)).findings;
  },
  async compare(left, right) {
    const query = new URLSearchParams({ left, right });
    return (await ask<{ differences: [] }>(`compare?${query}`)).differences;
  },
  async calls(before) {
    const query = new URLSearchParams({ limit: "200" });
    if (before !== undefined) query.set("before", String(before));
    const { requests, total } = await ask<{ requests: Call[]; total: number }>(`journal?${query}`);
    return { calls: requests, total };
  },
  call: (number) => ask(`journal/${number}`),
};

export const sessions = async () => (await ask<{ sessions: Session[] }>("sessions")).sessions;

export const reset = (session: string) =>
  ask<Json>(`reset?${new URLSearchParams({ session })}`, { method: "POST" });

export type News =
  | { event: "call"; data: Call }
  | { event: "finished"; data: { number: number; seconds: number } }
  | { event: "reset"; data: { session: string | null } }
  /** Events were left out, since they came too fast: load the journal again. */
  | { event: "reload"; data: Record<string, never> };

/** Calls *tell* with what happens from now on, and *connected* when that begins or breaks off, until the returned function is called. */
export type Follow = (tell: (news: News) => void, connected: (is: boolean) => void) => () => void;

const RETRY_MS = 1000;

export const follow: Follow = (tell, connected) => {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource("journal");
    for (const event of ["call", "finished", "reset", "reload"] as const)
      source.addEventListener(event, ({ data }) => tell({ event, data: JSON.parse(data) }));
    source.onopen = () => connected(true);
    source.onerror = () => {
      connected(false);
      source.close();
      timer = setTimeout(open, RETRY_MS);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
};

export const isReplaying = ({ mode }: Health) => mode === "serve" || mode === "replay";
