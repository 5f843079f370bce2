import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

const ROW = 26;
const AROUND = 10;

/** A list box of *count* rows of one line, of which only the visible ones are in the page. */
export function VirtualList({
  count,
  label,
  selected,
  select,
  render,
}: {
  count: number;
  label: string;
  selected: number;
  select: (index: number) => void;
  render: (index: number) => ComponentChildren;
}) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const measure = () => {
    const element = box.current;
    if (element) setView({ top: element.scrollTop, height: element.clientHeight });
  };
  useEffect(() => {
    const observer = new ResizeObserver(measure);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const element = box.current;
    if (!element || selected < 0) return;
    const top = selected * ROW;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW > element.scrollTop + element.clientHeight)
      element.scrollTop = top + ROW - element.clientHeight;
  }, [selected]);

  const page = Math.max(1, Math.floor(view.height / ROW) - 1);
  const move = (event: KeyboardEvent) => {
    const to = {
      ArrowDown: selected + 1,
      ArrowUp: selected - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (to === undefined || count === 0) return;
    event.preventDefault();
    select(Math.min(count - 1, Math.max(0, to)));
  };
  const first = Math.max(0, Math.floor(view.top / ROW) - AROUND);
  const last = Math.min(count, Math.ceil((view.top + view.height) / ROW) + AROUND);
  const isShown = selected >= first && selected < last;
  return (
    <div
      class="virtual"
      role="listbox"
      aria-label={label}
      aria-activedescendant={isShown ? `${id}-${selected}` : undefined}
      tabIndex={0}
      ref={box}
      onScroll={measure}
      onKeyDown={move}
    >
      <div role="presentation" style={{ height: `${count * ROW}px` }}>
        {Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset).map(
          (index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list box handles the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the list box has the focus
            <div
              key={index}
              class="row"
              role="option"
              id={`${id}-${index}`}
              aria-selected={index === selected}
              aria-posinset={index + 1}
              aria-setsize={count}
              style={{ top: `${index * ROW}px` }}
              onClick={() => select(index)}
            >
              {render(index)}
            </div>
          ),
        )}
      </div>
    </div>
  );
}
