import { useState } from "preact/hooks";
import { split } from "../visible";

/** Untrusted text; characters that hide or reorder text are shown by name. */
export function Text({ children: text }: { children: string }) {
  return (
    <bdi>
      {split(text).map((part, index) =>
        part.isName ? (
          <mark key={index} title="a character that hides or reorders text">
            {part.text}
          </mark>
        ) : (
          part.text
        ),
      )}
    </bdi>
  );
}

const LONG = 10_000;

/** A text of several lines; a very long one is shown in part. */
export function LongText({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > LONG && !isWhole;
  return (
    <>
      <div class="prose" dir="auto">
        <Text>{isLong ? text.slice(0, LONG) : text}</Text>
      </div>
      {isLong && (
        <button type="button" onClick={() => setWhole(true)}>
          Show all {text.length.toLocaleString("en")} characters
        </button>
      )}
    </>
  );
}
