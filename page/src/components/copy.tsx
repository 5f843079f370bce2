import { useState } from "preact/hooks";
import { visible } from "../visible";

/** A button that copies *text*; its label says what that is. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await write(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button type="button" class="copy" title={visible(text.slice(0, 200))} onClick={copy}>
      {isCopied ? "Copied" : label}
    </button>
  );
}

async function write(text: string): Promise<void> {
  // Browsers have no clipboard for a page of http://192.168.0.1, only for this machine.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
