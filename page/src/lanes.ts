// What a timeline shows of the events of a stream: a lane for each stream mode and namespace, and the gaps.

import type { StreamEvent } from "./api";
import { isObject, list, text } from "./messages";

export interface Lane {
  name: string;
  isHeartbeat: boolean;
  /** The places of its events in the stream. */
  events: number[];
}

export interface Gap {
  from: number;
  to: number;
}

const HEARTBEATS = "heartbeats";
const MOST = 24;

/** Return the lanes, in the order of their first events; what has no lane of its own is in the last one. */
export function lanesOf(events: StreamEvent[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const [index, event] of events.entries()) {
    let name = laneOf(event);
    if (!lanes.has(name) && lanes.size >= MOST && name !== HEARTBEATS) name = "others";
    const lane = lanes.get(name) ?? { name, isHeartbeat: name === HEARTBEATS, events: [] };
    lane.events.push(index);
    lanes.set(name, lane);
  }
  return [...lanes.values()].sort(
    (left, right) => Number(left.isHeartbeat) - Number(right.isHeartbeat),
  );
}

function laneOf({ event, data }: StreamEvent): string {
  if (!event && data === undefined) return HEARTBEATS;
  if (isObject(data) && data.type === "event" && isObject(data.params)) {
    const namespace = list(data.params.namespace).map((part) => text(part).split(":")[0]);
    return [text(data.method), ...namespace].join(" › ");
  }
  const [mode = "", namespace] = event.split(/\|(.*)/s);
  const names = namespace?.split("|").map((part) => part.split(":")[0]) ?? [];
  return [mode || "message", ...names].join(" › ");
}

/** Return the times without events. Heartbeats fill no gap: they come because nothing else does. */
export function gapsOf(events: StreamEvent[], end: number): Gap[] {
  const gaps: Gap[] = [];
  let from = 0;
  for (const event of events) {
    if (!event.event && event.data === undefined) continue;
    if (event.at > from) gaps.push({ from, to: event.at });
    from = event.at;
  }
  if (end > from) gaps.push({ from, to: end });
  return gaps;
}

/** Return the place of the first event after *at*, in events sorted by time. */
export function countUntil(events: StreamEvent[], at: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
