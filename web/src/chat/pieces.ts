/**
 * Splits a message into words, web addresses, mentions and emotes. Only http and https become links, only accounts the server
 * named become mentions, only the site's codes become emotes; nothing is ever read as HTML.
 */
export type Piece = { text: string; href?: string; mention?: string; emote?: string };

export interface Known {
  /** Handles the message mentions, in lower case. */
  mentions?: ReadonlySet<string>;
  /** What each emote code shows. */
  emotes?: ReadonlyMap<string, string>;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/gi;
const TRAILING = /[.,;:!?…)\]}’”'"]+$/;
const MENTION_OR_EMOTE = /@([a-z][a-z0-9_]{2,23})|:([a-z0-9_]{1,24}):/gi;

export function piecesOf(text: string, known: Known = {}): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(match[0]);
    if (!URL.canParse(address)) continue;
    if (match.index > from) pieces.push(...wordsOf(text.slice(from, match.index), known));
    pieces.push({ text: address, href: new URL(address).href });
    from = match.index + address.length;
  }
  if (from < text.length) pieces.push(...wordsOf(text.slice(from), known));
  return pieces;
}

function wordsOf(text: string, { mentions, emotes }: Known): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(MENTION_OR_EMOTE)) {
    const [whole, handle, code] = match;
    const mention = handle?.toLowerCase();
    const shown = code === undefined ? undefined : emotes?.get(code);
    if (shown === undefined && (mention === undefined || !mentions?.has(mention))) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push(shown === undefined ? { text: whole, mention } : { text: shown, emote: code });
    from = match.index + whole.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

/** A sentence's own punctuation is not part of the address; a closing bracket is, if the address opened it. */
function withoutTrailing(address: string): string {
  const trimmed = address.replace(TRAILING, '');
  const rest = address.slice(trimmed.length);
  return rest.startsWith(')') && trimmed.includes('(') ? `${trimmed})` : trimmed;
}
