// How facts are written for people. Pure functions.

const UUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;

/** Return *text* with each UUID cut to its first eight digits. */
export const shortenIds = (text: string): string => text.replace(UUID, "$1…");

const pad = (number: number, digits = 2) => String(number).padStart(digits, "0");

/** Return the time of day of an ISO date, in the time zone of the browser, with milliseconds. */
export function formatTime(when: string): string {
  // Not toLocaleTimeString, which takes long for a list.
  const date = new Date(when);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => pad(part));
  return `${time.join(":")}.${pad(date.getMilliseconds(), 3)}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
}

export const count = (number: number, noun: string): string =>
  `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** Return *text* as one word of a POSIX shell. */
export function quoteShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Return the name of a session as people read it. */
export const nameSession = (session: string): string => session || "(unnamed)";
