/** Between a player's own seconds and positions on the broadcast's timeline, which runs on through interruptions. */

/** A stretch of media without a break in time. */
export interface Stretch {
  start_s: number;
  length_s: number;
  /** The wall-clock time of its first frame (PROGRAM-DATE-TIME, RFC 8216 section 4.3.2.6). */
  date_ms: number;
}

export function positionOf(stretches: Stretch[], player_s: number, timeline_start_ms: number): number | undefined {
  const stretch = stretches.findLast(({ start_s }) => start_s <= player_s) ?? stretches[0];
  if (stretch === undefined) return undefined;
  return Math.max(0, Math.round(stretch.date_ms + (player_s - stretch.start_s) * 1000 - timeline_start_ms));
}

/** The player's second for a position; inside an interruption it is the moment the picture came back. */
export function secondOf(stretches: Stretch[], position_ms: number, timeline_start_ms: number): number | undefined {
  const date_ms = timeline_start_ms + position_ms;
  const stretch = stretches.findLast((candidate) => candidate.date_ms <= date_ms);
  if (stretch === undefined) return stretches[0]?.start_s;
  const inside_s = (date_ms - stretch.date_ms) / 1000;
  if (inside_s <= stretch.length_s) return stretch.start_s + inside_s;
  return stretch.start_s + stretch.length_s;
}
