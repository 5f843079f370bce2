import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Call } from "../api";
import { Text } from "../components/text";
import { formatSeconds, formatTime, shortenIds } from "../format";
import { link } from "../route";
import { visible } from "../visible";
import { type Calls, findIndex, findText, isProblem } from "./feed";
import { SourceBadge } from "./source";

const COLUMNS = [
  "time",
  "session",
  "request",
  "status",
  "source",
  "exchange",
  "asked for",
  "duration",
];

/** Below this width a row has two lines. */
const NARROW = 640;
const HEIGHT = { wide: 27, narrow: 47 };

/** The height of the line with the names of the columns, which narrow lists do not have. */
const HEAD = 27;

/** How many rows are drawn above and below those that are visible. */
const SPARE = 15;

/** The keys that go to another row, and how far; `page` is the number of visible rows. */
const STEPS: Record<string, (page: number) => number> = {
  ArrowDown: () => 1,
  ArrowUp: () => -1,
  j: () => 1,
  k: () => -1,
  PageDown: (page) => page,
  PageUp: (page) => -page,
  Home: () => Number.NEGATIVE_INFINITY,
  End: () => Number.POSITIVE_INFINITY,
};

/** The requests as a table, of which only the visible part is drawn. */
export function CallList({
  calls,
  open,
  onOpen,
  onEnd,
  onTop,
  startsAgain,
}: {
  calls: Calls;
  /** The number of the request that is shown beside the list. */
  open: number | null;
  onOpen: (number: number) => void;
  /** Called when the last rows are visible. */
  onEnd: () => void;
  /** Called with whether the first row is visible. */
  onTop: (isTop: boolean) => void;
  /** When this changes, the list shows its first row. */
  startsAgain: unknown;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 600, width: 1000 });
  const [focused, setFocused] = useState<number | null>(null);
  const mustFocus = useRef(false);

  const isNarrow = place.width < NARROW;
  const height = isNarrow ? HEIGHT.narrow : HEIGHT.wide;
  const first = Math.max(0, Math.floor(place.top / height) - SPARE);
  const end = Math.min(calls.length, Math.ceil((place.top + place.height) / height) + SPARE);
  const current = focused ?? open;
  const found = findIndex(calls, current);
  const reachable = found >= first && found < end ? found : Math.floor(place.top / height);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () =>
      setPlace({
        top: element.scrollTop,
        height: element.clientHeight - (element.clientWidth < NARROW ? 0 : HEAD),
        width: element.clientWidth,
      });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [startsAgain]);

  useEffect(() => {
    if (end === calls.length) onEnd();
  }, [end, calls.length, onEnd]);

  // Before the next key comes: the row that had the focus may be gone.
  useLayoutEffect(() => {
    if (!mustFocus.current) return;
    mustFocus.current = false;
    scroller.current?.querySelector<HTMLElement>(`a[data-number="${focused}"]`)?.focus();
  });

  const openIndex = findIndex(calls, open);
  const isKnown = openIndex >= 0;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || !isKnown) return;
    const top = openIndex * height;
    if (top < element.scrollTop || top + height > element.scrollTop + place.height)
      element.scrollTop = Math.max(0, top - place.height / 2);
  }, [open, isKnown]);

  const opened = useRef(open);
  useEffect(() => {
    if (open === null && opened.current !== null && document.activeElement === document.body) {
      mustFocus.current = true;
      setFocused(opened.current);
    }
    opened.current = open;
  }, [open]);

  const scroll = () => {
    const element = scroller.current;
    if (!element) return;
    setPlace((before) => ({ ...before, top: element.scrollTop }));
    onTop(element.scrollTop < height / 2);
  };

  const press = (event: TargetedKeyboardEvent<HTMLElement>) => {
    const step = STEPS[event.key];
    const element = scroller.current;
    if (!step || !element || event.ctrlKey || event.metaKey || event.altKey) return;
    const from = found < 0 ? reachable : found;
    const to = from + step(Math.floor(place.height / height) - 1);
    const index = Math.max(0, Math.min(calls.length - 1, to));
    const call = calls[index];
    if (!call) return;
    event.preventDefault();
    const top = index * height;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + height > element.scrollTop + place.height)
      element.scrollTop = top + height - place.height;
    mustFocus.current = true;
    setFocused(call.number);
    setPlace((before) => ({ ...before, top: element.scrollTop }));
    if (open !== null) onOpen(call.number);
  };
  const latestPress = useRef(press);
  latestPress.current = press;
  const onKeyDown = useCallback<typeof press>((event) => latestPress.current(event), []);

  return (
    <div class={`calls${isNarrow ? " narrow" : ""}`} ref={scroller} onScroll={scroll}>
      <table aria-label="Requests, the newest first" aria-rowcount={calls.length + 1}>
        <thead>
          <tr class="call" aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" class={`cell-${column}`}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody style={{ padding: `${first * height}px 0 ${(calls.length - end) * height}px` }}>
          {calls.slice(first, end).map((call, index) => (
            <Row
              key={call.number}
              call={call}
              index={first + index}
              isOpen={call.number === open}
              isReachable={first + index === reachable}
              onFocus={setFocused}
              onKeyDown={onKeyDown}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  call: Call;
  index: number;
  isOpen: boolean;
  /** Whether the key Tab goes to this row. */
  isReachable: boolean;
  onFocus: (number: number) => void;
  onKeyDown: (event: TargetedKeyboardEvent<HTMLElement>) => void;
}

function Row({ call, index, isOpen, isReachable, onFocus, onKeyDown }: RowProps) {
  // The list is drawn with each request that comes; most of its rows stay.
  const cells = useMemo(
    () => <Cells call={call} isReachable={isReachable} onFocus={onFocus} onKeyDown={onKeyDown} />,
    [call, isReachable, onFocus, onKeyDown],
  );
  return (
    <tr
      aria-rowindex={index + 2}
      aria-current={isOpen}
      class={`call${isProblem(call) ? " problem" : ""}${isOpen ? " open" : ""}`}
    >
      {cells}
    </tr>
  );
}

type CellsProps = Pick<RowProps, "call" | "isReachable" | "onFocus" | "onKeyDown">;

function Cells({ call, isReachable, onFocus, onKeyDown }: CellsProps) {
  const text = findText(call);
  return (
    <>
      <Cell name="time">{formatTime(call.when)}</Cell>
      <Cell name="session">
        <Text>{call.session}</Text>
      </Cell>
      <Cell name="request">
        <a
          href={link("live", String(call.number))}
          data-number={call.number}
          tabIndex={isReachable ? 0 : -1}
          title={visible(`${call.method} ${call.path}`)}
          onFocus={() => onFocus(call.number)}
          onKeyDown={onKeyDown}
        >
          <b>{call.method}</b> <Text>{shortenIds(call.path)}</Text>
        </a>
        {text && (
          <q>
            <Text>{text.slice(0, 200)}</Text>
          </q>
        )}
      </Cell>
      <Cell name="status">{call.status}</Cell>
      <Cell name="source">
        <SourceBadge call={call} />
      </Cell>
      <Cell name="exchange">
        <Text>{call.exchange ?? ""}</Text>
      </Cell>
      <Cell name="asked">
        <Text>{call.asked ?? ""}</Text>
      </Cell>
      <Cell name="duration">
        {call.seconds === undefined ? (
          <span class="running">receiving</span>
        ) : (
          formatSeconds(call.seconds)
        )}
      </Cell>
    </>
  );
}

function Cell({ name, children }: { name: string; children: ComponentChildren }) {
  return <td class={`cell-${name}`}>{children}</td>;
}
