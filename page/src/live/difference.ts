// How a request differs from the nearest recorded one, as the journal says it (mockserver/matching/miss.py). Pure functions.

import type { Json, JsonObject } from "../api";

export interface FieldDifference {
  path: string;
  recorded?: Json;
  got?: Json;
  /** The side whose value is the default of the server. */
  default?: "recorded" | "got";
}

/** A recorded request that is similar to the one that nothing matches. */
export interface Near {
  exchange: string;
  request: string;
  played: number;
  differs: FieldDifference[];
  /** How many further fields differ. */
  more: number;
  ignore: string[];
  volatile: string[];
  prefix?: { recorded: string; got: string };
}

export interface MissFacts {
  reason: string;
  /** Those with the fewest differences first; of these, those with the most similar texts. */
  nearest: Near[];
  /** Names of cassettes, if the request names one that does not exist. */
  cassettes: string[];
  /** How many further cassettes there are. */
  more: number;
}

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const texts = (value: Json | undefined): string[] => list(value).map(String);

export function readMiss(miss: JsonObject): MissFacts {
  const nearest = list(miss.nearest).map((near): Near => {
    const facts = near as unknown as Partial<Near>;
    return {
      exchange: String(facts.exchange),
      request: String(facts.request),
      played: Number(facts.played),
      differs: facts.differs ?? [],
      more: facts.more ?? 0,
      ignore: texts(facts.ignore),
      volatile: texts(facts.volatile),
      ...(facts.prefix && { prefix: facts.prefix }),
    };
  });
  return {
    reason: String(miss.reason ?? ""),
    nearest: nearest.sort(compare),
    cassettes: texts(miss.cassettes),
    more: Number(miss.more ?? 0),
  };
}

function compare(a: Near, b: Near): number {
  const count = ({ differs, more }: Near) => differs.length + more;
  return count(a) - count(b) || measureSimilarity(b) - measureSimilarity(a);
}

/** Return how many characters the differing texts have in common. */
function measureSimilarity({ differs }: Near): number {
  return differs.reduce((sum, { recorded, got }) => {
    if (typeof recorded !== "string" || typeof got !== "string") return sum;
    const changed = compareTexts(recorded, got);
    return changed ? sum + changed.before.length + changed.after.length : sum;
  }, 0);
}

const PLAIN = /^[A-Za-z_][\w./-]*$/;

/** Return *text* as a YAML value within a list in brackets. */
export function quoteYaml(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

/** Return the lines of mockserver.yaml, or of a cassette's header, with which *near* would match. */
export function proposeRules({ ignore, volatile }: Pick<Near, "ignore" | "volatile">): string[] {
  return Object.entries({ ignore, volatile })
    .filter(([, rules]) => rules.length > 0)
    .map(([key, rules]) => `${key}: [${rules.map(quoteYaml).join(", ")}]`);
}

/** Two texts without what they have in common at their start and end. */
export interface Changed {
  before: string;
  recorded: string;
  got: string;
  after: string;
}

/** Return how *recorded* and *got* differ; null if they have little in common. */
export function compareTexts(recorded: string, got: string): Changed | null {
  const left = [...recorded];
  const right = [...got];
  const shorter = Math.min(left.length, right.length);
  let start = 0;
  while (start < shorter && left[start] === right[start]) start++;
  let end = 0;
  while (end < shorter - start && left[left.length - 1 - end] === right[right.length - 1 - end])
    end++;
  if (start + end < 3 || 3 * (start + end) < shorter) return null;
  return {
    before: left.slice(0, start).join(""),
    recorded: left.slice(start, left.length - end).join(""),
    got: right.slice(start, right.length - end).join(""),
    after: left.slice(left.length - end).join(""),
  };
}
