import { useState } from "preact/hooks";

/** A button that copies *text*; its label says what that is. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button type="button" class="copy" title={text} onClick={copy}>
      {isCopied ? "copied" : label}
    </button>
  );
}
