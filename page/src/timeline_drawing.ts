// Draws a timeline: lanes of events over time on a canvas.

import type { StreamEvent } from "./api";
import { seconds } from "./components/events";
import type { Gap, Lane } from "./lanes";

export const LANE = 26;
export const AXIS = 22;
/** The height of the strip above the lanes, which names the gaps. */
export const GAPS = 18;
/** The least width in pixels of a gap that is labelled. */
const WIDE = 84;

export interface View {
  from: number;
  to: number;
}

/** What a timeline shows. */
export interface Shown {
  lanes: Lane[];
  events: StreamEvent[];
  gaps: Gap[];
  view: View;
  /** The place of the selected event; -1 for none. */
  selected: number;
  /** Where a play is, in seconds after the request. */
  head: number | undefined;
}

export function draw(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  { lanes, events, gaps, view, selected, head, drag }: Shown & { drag: View | null },
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const scale = devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  context.scale(scale, scale);
  const color = colors(canvas);
  const place = (at: number) => ((at - view.from) / (view.to - view.from)) * width;
  const bottom = GAPS + lanes.length * LANE;
  const topOf = (row: number) => GAPS + row * LANE;
  context.font = "11px ui-monospace, monospace";

  for (const gap of gaps) {
    const [left, right] = [Math.max(0, place(gap.from)), Math.min(width, place(gap.to))];
    if (right - left < WIDE) continue;
    context.fillStyle = color.raised;
    context.fillRect(left, 0, right - left, bottom);
  }
  context.fillStyle = color.line;
  for (let lane = 0; lane <= lanes.length; lane += 1) context.fillRect(0, topOf(lane), width, 1);

  drawAxis(context, view, width, bottom, color);

  for (const [row, lane] of lanes.entries()) {
    const middle = topOf(row) + LANE / 2;
    let last = -1;
    for (const index of lane.events) {
      const event = events[index];
      if (!event || event.at < view.from || event.at > view.to) continue;
      const x = Math.round(place(event.at));
      if (x === last) continue;
      last = x;
      const isError = event.event === "error";
      context.fillStyle = isError ? color.problem : lane.isHeartbeat ? color.muted : color.accent;
      if (lane.isHeartbeat) diamond(context, x, middle);
      else context.fillRect(x - 1, topOf(row) + 5, 3, LANE - 9);
    }
  }

  context.fillStyle = color.muted;
  context.textAlign = "center";
  for (const gap of gaps) {
    const [left, right] = [Math.max(0, place(gap.from)), Math.min(width, place(gap.to))];
    if (right - left < WIDE) continue;
    context.fillText(`${seconds(gap.to - gap.from)} gap`, (left + right) / 2, 13);
  }
  const event = events[selected];
  const row = lanes.findIndex((lane) => lane.events.includes(selected));
  if (event && row >= 0) {
    context.strokeStyle = color.text;
    context.lineWidth = 2;
    context.strokeRect(place(event.at) - 4, topOf(row) + 2, 9, LANE - 3);
  }
  if (head !== undefined) {
    context.fillStyle = color.problem;
    context.fillRect(place(head), 0, 2, bottom);
  }
  if (drag) {
    context.globalAlpha = 0.25;
    context.fillStyle = color.accent;
    context.fillRect(place(drag.from), 0, place(drag.to) - place(drag.from), bottom);
    context.globalAlpha = 1;
  }
}

type Colors = Record<
  "text" | "muted" | "line" | "raised" | "ground" | "accent" | "problem",
  string
>;

/** Return the colours of the page; the canvas has `light-dark` resolved only where it is a property. */
function colors(canvas: HTMLCanvasElement): Colors {
  const before = canvas.style.color;
  const read = (name: string) => {
    canvas.style.color = `var(--${name})`;
    return getComputedStyle(canvas).color;
  };
  const found = {
    text: read("text"),
    muted: read("muted"),
    line: read("line"),
    raised: read("raised"),
    ground: read("ground"),
    accent: read("accent"),
    problem: read("problem"),
  };
  canvas.style.color = before;
  return found;
}

function drawAxis(
  context: CanvasRenderingContext2D,
  view: View,
  width: number,
  bottom: number,
  color: Colors,
): void {
  const step = stepOf((view.to - view.from) / Math.max(1, width / 90));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  context.textAlign = "center";
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
    const x = ((at - view.from) / (view.to - view.from)) * width;
    context.fillStyle = color.line;
    context.fillRect(x, 0, 1, bottom + 4);
    context.fillStyle = color.muted;
    context.textAlign = x < 24 ? "left" : x > width - 24 ? "right" : "center";
    context.fillText(`${at.toFixed(digits)} s`, x, bottom + 16);
  }
}

/** Return the least of 1, 2, 5, 10, … (of any power) that is at least *least*. */
function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((factor) => power * factor >= least) ?? 10);
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x, y - 5);
  context.lineTo(x + 5, y);
  context.lineTo(x, y + 5);
  context.lineTo(x - 5, y);
  context.fill();
}
