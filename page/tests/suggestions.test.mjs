import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestAnswers } from "../src/try/suggestions";

test("the choices of an interrupt are proposed as answers", () => {
  assert.deepEqual(suggestAnswers({ question: "Tea?", options: ["tea", 3, "coffee"] }), [
    "tea",
    "coffee",
  ]);
  assert.deepEqual(suggestAnswers({ choices: ["send"] }), ["send"]);
});

test("a tool that waits for approval can be approved or rejected", () => {
  const value = {
    action_requests: [{ name: "send_mail" }, { name: "send_mail" }],
    review_configs: [{ allowed_decisions: ["approve", "edit", "reject"] }],
  };

  assert.deepEqual(suggestAnswers(value), [
    '{"decisions":[{"type":"approve"},{"type":"approve"}]}',
    '{"decisions":[{"type":"reject"},{"type":"reject"}]}',
  ]);
});

test("other interrupts propose nothing", () => {
  for (const value of [null, "May I?", [], {}, { options: "tea" }, { action_requests: [1] }])
    assert.deepEqual(suggestAnswers(value), []);
});
