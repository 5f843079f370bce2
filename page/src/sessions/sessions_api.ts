// What the view Sessions asks the server besides the sessions themselves: its faults.

import type { Json, JsonObject } from "../api";
import { ask } from "../server_api";

/** A fault of the next requests that fit; `*` stands for any session, and `null` for any number of times. */
export interface ArmedFault {
  fault: JsonObject;
  session: string;
  path?: string;
  exchange?: string;
  times: number | null;
}

export const listFaults = async () => (await ask<{ faults: ArmedFault[] }>("faults")).faults;

export const setFault = (fault: ArmedFault) =>
  ask<Json>("faults", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(fault),
  });

export const clearFaults = () => ask<Json>("faults", { method: "DELETE" });
