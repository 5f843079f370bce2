// Untrusted text, so that a reader sees every character: marks that hide or reorder text become their names.

const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
/** Joiners are part of emoji and of several scripts; line ends and tabs are visible as space. */
const HARMLESS = "\n\r\t\u200c\u200d";

export interface Part {
  text: string;
  /** Whether *text* is the name of a character, such as `U+202E`, and not the character. */
  isName: boolean;
}

const nameOf = (character: string) =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Split *text* into what can be shown as it is and the names of hidden characters. */
export function split(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: character, index } of text.matchAll(HIDDEN)) {
    if (HARMLESS.includes(character)) continue;
    if (index > end) parts.push({ text: text.slice(end, index), isName: false });
    parts.push({ text: nameOf(character), isName: true });
    end = index + character.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isName: false });
  return parts;
}

/** Return *text* with the names of hidden characters, for attributes. */
export const visible = (text: string) =>
  split(text)
    .map((part) => (part.isName ? `⟨${part.text}⟩` : part.text))
    .join("");
