import type { Call } from "../api";
import { isNearMiss } from "./feed";

const SIGNS = {
  cassette: "●",
  fake: "◆",
  upstream: "▲",
  miss: "✕",
  error: "✕",
  fault: "⚡",
} as const;

/** Who answered, as a sign, a colour and a word. */
export function SourceBadge({ call }: { call: Pick<Call, "source" | "how" | "miss"> }) {
  const { source, how } = call;
  return (
    <span class={`source source-${source}`}>
      <span aria-hidden="true">{SIGNS[source]}</span> {source}
      {how && <small> {how}</small>}
      {isNearMiss(call as Call) && <small class="near"> near miss</small>}
    </span>
  );
}
