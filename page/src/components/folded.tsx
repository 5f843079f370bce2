import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

/** Details that are made only when they are open. */
export function Folded({
  summary,
  render,
  ...rest
}: {
  summary: ComponentChildren;
  render: () => ComponentChildren;
  class?: string;
  isOpen?: boolean;
}) {
  const [isOpen, setOpen] = useState(rest.isOpen ?? false);
  return (
    <details
      class={rest.class}
      open={isOpen}
      onToggle={(event) =>
        event.target === event.currentTarget && setOpen(event.currentTarget.open)
      }
    >
      <summary>{summary}</summary>
      {isOpen && render()}
    </details>
  );
}
