// What the view Sessions asks the server besides the sessions themselves: its faults.

import type { Json, JsonObject } from "../api";
import { ask, Refused } from "../server_api";

/** The faults that are set; null if the server does not know faults. */
export async function listFaults(): Promise<JsonObject[] | null> {
  const response = await fetch("faults");
  if (response.status === 404) return null;
  if (!response.ok) throw new Refused(`status ${response.status}`);
  const body = (await response.json()) as { faults?: JsonObject[] };
  return body.faults ?? [];
}

export interface NewFault {
  fault: JsonObject;
  path?: string;
  times?: number;
  session?: string;
}

export const setFault = (fault: NewFault) =>
  ask<Json>("faults", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(fault),
  });

export const clearFaults = () => ask<Json>("faults", { method: "DELETE" });
