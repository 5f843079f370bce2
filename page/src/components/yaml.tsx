import { useState } from "preact/hooks";
import { Copy } from "./copy";
import { Text } from "./text";

const PIECE = 1000;

/** The YAML of an exchange, with its place in the *file*. */
export function Yaml({ file, line, yaml }: { file: string; line: number; yaml: string }) {
  const [shown, setShown] = useState(PIECE);
  const lines = yaml.replace(/\n$/, "").split("\n");
  const part = lines.slice(0, shown);
  return (
    <>
      <div class="bar">
        <span>
          <Text>{file}</Text>, line {line}
        </span>
        <Copy text={`${file}:${line}`} label="Copy file and line" />
        <Copy text={yaml} label="Copy YAML" />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a scrolling region, not a section of the page */}
      <div
        class="yaml"
        role="region"
        aria-label="YAML"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
        tabIndex={0}
      >
        <pre class="numbers" aria-hidden="true">
          {part.map((_, index) => line + index).join("\n")}
        </pre>
        <pre>
          {part.map((text, index) => (
            <YamlLine key={`${index} ${text.length}`} text={text} />
          ))}
        </pre>
      </div>
      {lines.length > shown && (
        <button type="button" onClick={() => setShown(shown + PIECE)}>
          {lines.length - shown} more lines
        </button>
      )}
    </>
  );
}

function YamlLine({ text }: { text: string }) {
  const [, indent = "", key = "", rest = text] =
    /^([\s-]*)([\w./-]+:)(?=\s|$)(.*)$/.exec(text) ?? [];
  return (
    <>
      {indent}
      {key && (
        <span class="yaml-key">
          <Text>{key}</Text>
        </span>
      )}
      <Text>{rest}</Text>
      {"\n"}
    </>
  );
}
