import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ResponseView, StreamEvent } from "../api";
import { Conversation, type RequestView } from "../conversation";
import { countUntil, type Gap, gapsOf, type Lane, lanesOf } from "../lanes";
import { AXIS, draw, GAPS, LANE, type Shown, type View } from "../timeline_drawing";
import { ConversationItems } from "./conversation";
import { EventDetail, seconds } from "./events";
import { Text } from "./text";

/** The events of a stream over time. With the *request*, playing it shows the conversation as it grows. */
export function Timeline({
  response,
  request,
}: {
  response: ResponseView | null;
  request?: RequestView;
}) {
  const events = response?.events ?? [];
  if (!response || events.length === 0)
    return (
      <p class="muted">
        {response?.seconds === undefined
          ? "The response has no events."
          : `The response came as a whole, ${seconds(response.seconds)} after the request.`}
      </p>
    );
  return <StreamTimeline events={events} end={response.seconds} request={request} />;
}

function StreamTimeline({
  events,
  end,
  request,
}: {
  events: StreamEvent[];
  end?: number;
  request?: RequestView;
}) {
  const lanes = useMemo(() => lanesOf(events), [events]);
  const total = Math.max(end ?? 0, events.at(-1)?.at ?? 0, 0.001);
  const gaps = useMemo(() => gapsOf(events, total), [events, total]);
  const [view, setView] = useState<View>({ from: 0, to: total });
  const [selected, setSelected] = useState(-1);
  const [player, setPlayer] = usePlayer(total);
  const head = player.head;
  useEffect(() => setView({ from: 0, to: total }), [total]);

  const zoom = (factor: number, around = (view.from + view.to) / 2) =>
    setView(
      limit(
        { from: around - (around - view.from) * factor, to: around + (view.to - around) * factor },
        total,
      ),
    );
  const pan = (share: number) => {
    const step = (view.to - view.from) * share;
    setView(limit({ from: view.from + step, to: view.to + step }, total));
  };
  const pick = (index: number) => {
    const event = events[index];
    if (!event) return;
    setSelected(index);
    setPlayer({ speed: 0, head: undefined });
    const width = view.to - view.from;
    if (event.at < view.from || event.at > view.to)
      setView(limit({ from: event.at - width / 2, to: event.at + width / 2 }, total));
  };
  const press = (event: KeyboardEvent) => {
    const act = {
      ArrowLeft: () => pan(-0.2),
      ArrowRight: () => pan(0.2),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      "0": () => setView({ from: 0, to: total }),
      ".": () => pick(selected + 1),
      ",": () => pick(Math.max(0, selected - 1)),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const play = (speed: number) =>
    setPlayer({ speed, head: head === undefined || head >= total ? 0 : head });

  const shown = events[selected];
  return (
    <section class="timeline">
      <div class="bar">
        <button type="button" onClick={() => play(1)} aria-pressed={player.speed === 1}>
          Play 1×
        </button>
        <button type="button" onClick={() => play(4)} aria-pressed={player.speed === 4}>
          Play 4×
        </button>
        <button
          type="button"
          disabled={head === undefined}
          onClick={() =>
            setPlayer(player.speed ? { speed: 0, head } : { speed: 0, head: undefined })
          }
        >
          {player.speed ? "Pause" : "Stop"}
        </button>
        <span class="group">
          <button type="button" aria-label="Zoom in" onClick={() => zoom(0.5)}>
            +
          </button>
          <button type="button" aria-label="Zoom out" onClick={() => zoom(2)}>
            −
          </button>
          <button type="button" onClick={() => setView({ from: 0, to: total })}>
            Whole
          </button>
        </span>
        <span class="muted" role="status">
          {head === undefined
            ? `${seconds(view.from)} – ${seconds(view.to)}`
            : `at ${seconds(head)}`}
        </span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a field set is for forms */}
      <div
        class="lanes"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys of the timeline need the focus
        tabIndex={0}
        role="group"
        aria-label="Timeline. Plus and minus zoom, the arrows move, comma and full stop select an event."
        onKeyDown={press}
      >
        <ul class="lane-names" aria-hidden="true">
          {lanes.map(({ name, events: places }) => (
            <li key={name} class="lane-name">
              <span class="preview">
                <Text>{name}</Text>
              </span>
              <span class="muted">{places.length.toLocaleString("en")}</span>
            </li>
          ))}
        </ul>
        <Plot
          lanes={lanes}
          events={events}
          gaps={gaps}
          total={total}
          view={view}
          selected={selected}
          head={head}
          setView={setView}
          zoom={zoom}
          pick={pick}
        />
      </div>
      <p class="muted hint">
        Drag to zoom in, double-click to see everything, click an event to read it. Keys: + − zoom,
        ← → move, comma and full stop select the previous and the next event.
      </p>
      {head !== undefined && request ? (
        <Growing request={request} events={events} head={head} />
      ) : (
        shown && <EventDetail event={shown} />
      )}
      <LaneTable lanes={lanes} events={events} gaps={gaps} />
    </section>
  );
}

function limit({ from, to }: View, total: number): View {
  const width = Math.min(total, Math.max(to - from, total / 100_000, 0.0001));
  const start = Math.min(Math.max(0, from), total - width);
  return { from: start, to: start + width };
}

interface Player {
  /** How many times as fast as it was; 0 is a pause. */
  speed: number;
  /** Seconds after the request; undefined before the first play. */
  head: number | undefined;
}

function usePlayer(total: number): [Player, (player: Player) => void] {
  const [player, setPlayer] = useState<Player>({ speed: 0, head: undefined });
  useEffect(() => {
    if (!player.speed) return;
    let frame = 0;
    let before = performance.now();
    const tick = (now: number) => {
      const passed = ((now - before) / 1000) * player.speed;
      before = now;
      setPlayer(({ speed, head = 0 }) =>
        head + passed >= total ? { speed: 0, head: total } : { speed, head: head + passed },
      );
      frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [player.speed, total]);
  return [player, setPlayer];
}

/** The conversation as its client saw it, *head* seconds after the request. */
function Growing({
  request,
  events,
  head,
}: {
  request: RequestView;
  events: StreamEvent[];
  head: number;
}) {
  const built = useRef<{ conversation: Conversation; events: StreamEvent[]; count: number }>(
    undefined,
  );
  const count = countUntil(events, head);
  if (!built.current || built.current.events !== events || built.current.count > count) {
    const conversation = new Conversation();
    conversation.request(request);
    built.current = { conversation, events, count: 0 };
  }
  const { conversation } = built.current;
  for (const event of events.slice(built.current.count, count)) conversation.event(event);
  built.current.count = count;
  return (
    <section aria-label="The conversation at this time">
      <p class="muted">
        After {count.toLocaleString("en")} of {events.length.toLocaleString("en")} events:
      </p>
      <ConversationItems items={conversation.items} />
    </section>
  );
}

interface PlotProps extends Shown {
  total: number;
  setView: (view: View) => void;
  zoom: (factor: number, around: number) => void;
  pick: (index: number) => void;
}

function Plot(props: PlotProps) {
  const { lanes, events, total, view, setView, zoom, pick } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(600);
  const [drag, setDrag] = useState<View | null>(null);
  const height = GAPS + lanes.length * LANE + AXIS;
  useEffect(() => {
    const box = canvas.current?.parentElement;
    if (!box) return;
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  const isDark = useDark();
  useEffect(() => {
    if (canvas.current) draw(canvas.current, width, height, { ...props, drag });
  }, [width, height, props, drag, isDark]);

  const timeAt = (event: MouseEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    const share = box ? (event.clientX - box.left) / box.width : 0;
    return view.from + Math.min(1, Math.max(0, share)) * (view.to - view.from);
  };
  const begin = (event: PointerEvent) => {
    const at = timeAt(event);
    canvas.current?.setPointerCapture(event.pointerId);
    setDrag({ from: at, to: at });
  };
  const move = (event: PointerEvent) => drag && setDrag({ from: drag.from, to: timeAt(event) });
  const end = (event: PointerEvent) => {
    if (!drag) return;
    setDrag(null);
    const to = timeAt(event);
    const pixel = (view.to - view.from) / width;
    if (Math.abs(to - drag.from) > 4 * pixel)
      setView(limit({ from: Math.min(to, drag.from), to: Math.max(to, drag.from) }, total));
    else pick(nearest(lanes, events, event, canvas.current, to));
  };
  const wheel = (event: WheelEvent) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, timeAt(event));
  };
  return (
    <div class="plot" aria-hidden="true">
      <canvas
        ref={canvas}
        onPointerDown={begin}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={() => setDrag(null)}
        onDblClick={() => setView({ from: 0, to: total })}
        onWheel={wheel}
      />
    </div>
  );
}

/** Return the place of the event of the lane under the pointer that is nearest to *at*. */
function nearest(
  lanes: Lane[],
  events: StreamEvent[],
  event: MouseEvent,
  canvas: HTMLCanvasElement | null,
  at: number,
): number {
  const top = canvas?.getBoundingClientRect().top ?? 0;
  const lane = lanes[Math.floor((event.clientY - top - GAPS) / LANE)];
  const distance = (index: number) => Math.abs((events[index]?.at ?? 0) - at);
  return (lane?.events ?? []).reduce(
    (best, index) => (best < 0 || distance(index) < distance(best) ? index : best),
    -1,
  );
}

function useDark(): boolean {
  const [isDark, setDark] = useState(false);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const update = () => setDark(query.matches);
    update();
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return isDark;
}

/** The timeline in words, for those who do not see it. */
function LaneTable({ lanes, events, gaps }: { lanes: Lane[]; events: StreamEvent[]; gaps: Gap[] }) {
  const longest = gaps.toSorted((left, right) => right.to - right.from - (left.to - left.from));
  return (
    <details class="lane-table">
      <summary>The timeline as a table</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Lane</th>
              <th scope="col">Events</th>
              <th scope="col">First</th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {lanes.map((lane) => (
              <tr key={lane.name}>
                <th scope="row">
                  <Text>{lane.name}</Text>
                </th>
                <td>{lane.events.length.toLocaleString("en")}</td>
                <td>{seconds(events[lane.events[0] ?? 0]?.at ?? 0)}</td>
                <td>{seconds(events[lane.events.at(-1) ?? 0]?.at ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        Longest gaps:{" "}
        {longest
          .slice(0, 3)
          .map(({ from, to }) => `${seconds(to - from)} from ${seconds(from)}`)
          .join(", ")}
        .
      </p>
    </details>
  );
}
