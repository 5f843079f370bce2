// Server-sent events out of text that comes in pieces. Pure.

export interface ServerSentEvent {
  /** The name of the event; empty for a comment. */
  event: string;
  id?: string;
  data?: string;
  comment?: string;
}

/** Takes the pieces of a stream, and returns the events that each piece completes. */
export class EventParser {
  private rest = "";
  private isFirst = true;
  private event = "";
  private data: string[] = [];
  private id: string | undefined;

  feed(piece: string): ServerSentEvent[] {
    let text = this.rest + piece;
    if (this.isFirst && text) {
      text = text.replace(/^\uFEFF/, "");
      this.isFirst = false;
    }
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    const events: ServerSentEvent[] = [];
    for (const line of lines) {
      const event = this.takeLine(line);
      if (event) events.push(event);
    }
    return events;
  }

  private takeLine(line: string): ServerSentEvent | null {
    if (line === "") return this.complete();
    const colon = line.indexOf(":");
    if (colon === 0) return { event: "", comment: line.slice(1).replace(/^ /, "") };
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private complete(): ServerSentEvent | null {
    const { event, data, id } = this;
    this.event = "";
    this.data = [];
    this.id = undefined;
    if (data.length === 0) return null;
    return { event: event || "message", data: data.join("\n"), ...(id !== undefined && { id }) };
  }
}
