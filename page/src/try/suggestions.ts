// Answers that an interrupt proposes. Pure.

import type { Json } from "../api";
import { isObject, list } from "../messages";

const texts = (value: Json | undefined): string[] =>
  list(value).filter((item): item is string => typeof item === "string");

/** Return the answers that fit the *value* of an interrupt, as a person would type them. */
export function suggestAnswers(value: Json): string[] {
  if (!isObject(value)) return [];
  const actions = list(value.action_requests);
  if (actions.length === 0) return [...texts(value.options), ...texts(value.choices)];
  // The middleware of LangChain that asks before a tool is called.
  const [config] = list(value.review_configs);
  const decisions = isObject(config) ? texts(config.allowed_decisions) : [];
  return decisions
    .filter((type) => type === "approve" || type === "reject")
    .map((type) => JSON.stringify({ decisions: actions.map(() => ({ type })) }));
}
