// The requests that the view Live knows: what it does with news, and which of them it shows. Pure functions.

import type { Call, Source } from "../api";
import type { News } from "../server_api";

/** Requests, the newest first. */
export type Calls = readonly Call[];

export interface Filter {
  text: string;
  /** All sources, if it is null. */
  source: Source | null;
  /** All sessions, if it is null. */
  session: string | null;
  onlyProblems: boolean;
}

export const NO_FILTER: Filter = { text: "", source: null, session: null, onlyProblems: false };

export const isNearMiss = (call: Call): boolean => call.source !== "miss" && Boolean(call.miss);

/** Whether nothing fits the request, or only almost. */
export const isProblem = (call: Call): boolean =>
  call.source === "miss" || call.source === "error" || Boolean(call.miss);

const newestFirst = (calls: Calls): Calls => [...calls].sort((a, b) => b.number - a.number);

/** Return *calls* after *news*, which came in this order. */
export function update(calls: Calls, news: readonly News[]): Calls {
  const added = new Map<number, Call>();
  const finished = new Map<number, number>();
  let known = calls;
  for (const { event, data } of news)
    if (event === "call") added.set(data.number, data);
    else if (event === "finished") finished.set(data.number, data.seconds);
    else if (event === "reset") {
      const isKept = (call: Call) => data.session !== null && call.session !== data.session;
      known = known.filter(isKept);
      for (const [number, call] of added) if (!isKept(call)) added.delete(number);
    }
  if (added.size > 0) known = merge(known, [...added.values()]);
  return finished.size > 0 ? finish(known, finished) : known;
}

/** Return *calls* with the durations of those that are *finished*, by their numbers. */
function finish(calls: Calls, finished: ReadonlyMap<number, number>): Calls {
  const updated = [...calls];
  for (const [number, seconds] of finished) {
    const index = findIndex(calls, number);
    const call = calls[index];
    if (call) updated[index] = { ...call, seconds };
  }
  return updated;
}

/** Return the place of the request *number* in *calls*; -1 if it is not there. */
export function findIndex(calls: Calls, number: number | null): number {
  if (number === null) return -1;
  let [start, end] = [0, calls.length];
  while (start < end) {
    const middle = (start + end) >> 1;
    if ((calls[middle]?.number ?? 0) > number) start = middle + 1;
    else end = middle;
  }
  return calls[start]?.number === number ? start : -1;
}

/** Return *calls* with *others*, which may have any order, and replace those of the same number. */
export function merge(calls: Calls, others: Calls): Calls {
  const sorted = newestFirst(others);
  const newest = calls[0]?.number ?? 0;
  if ((sorted.at(-1)?.number ?? 0) > newest) return [...sorted, ...calls];
  const numbers = new Set(others.map(({ number }) => number));
  return newestFirst([...others, ...calls.filter(({ number }) => !numbers.has(number))]);
}

/** Whether *latest*, the last requests of the server now, are those of another run of it than *calls*. */
export function isRestarted(calls: Calls, latest: Calls): boolean {
  const newest = calls[0];
  if (!newest) return false;
  const same = latest.find(({ number }) => number === newest.number);
  if (same) return same.when !== newest.when;
  return latest.every(({ number }) => number < newest.number);
}

const searchable = new WeakMap<Call, string>();

/** Return the text in which a search looks for its words. */
function getSearchable(call: Call): string {
  const known = searchable.get(call);
  if (known !== undefined) return known;
  const { method, path, source, exchange, asked, how, session, body, text } = call;
  const facts = [method, path, call.status, source, exchange, asked, how, session, text];
  const near = isNearMiss(call) ? "near miss" : "";
  const made = `${facts.join(" ")} ${near} ${JSON.stringify(body) ?? ""}`.toLowerCase();
  searchable.set(call, made);
  return made;
}

export function select(calls: Calls, filter: Filter): Calls {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return calls.filter((call) => {
    if (filter.source !== null && call.source !== filter.source) return false;
    if (filter.session !== null && call.session !== filter.session) return false;
    if (filter.onlyProblems && !isProblem(call)) return false;
    if (words.length === 0) return true;
    const text = getSearchable(call);
    return words.every((word) => text.includes(word));
  });
}

/** Return how many of *calls* each source answered, those with most requests first. */
export function countSources(calls: Calls): [Source, number][] {
  const counts = new Map<Source, number>();
  for (const { source } of calls) counts.set(source, (counts.get(source) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** Return the last text of a human in the body of a request, or what it resumes with; empty if there is none. */
export function findText({ body }: Pick<Call, "body">): string {
  if (body === null || typeof body !== "object" || Array.isArray(body)) return "";
  const run = body.method === "run.start" ? body.params : body;
  if (run === null || typeof run !== "object" || Array.isArray(run)) return "";
  const { command, input } = run;
  if (command && typeof command === "object" && "resume" in command)
    return `resume ${JSON.stringify(command.resume)}`;
  if (!input || typeof input !== "object" || Array.isArray(input)) return "";
  const messages = Array.isArray(input.messages) ? input.messages : [];
  for (const message of messages.toReversed()) {
    if (!message || typeof message !== "object" || Array.isArray(message)) continue;
    const kind = message.type ?? message.role;
    if (kind !== "human" && kind !== "user") continue;
    const { content } = message;
    return typeof content === "string" ? content : JSON.stringify(content);
  }
  return "";
}
