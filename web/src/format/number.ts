/** Counts and rates as people read them. */

/** Whole below 10,000; "1.2만" / "12K" above. */
export function count(value: number, language: string): string {
  const compact = Math.abs(value) >= 10_000;
  return new Intl.NumberFormat(language, compact ? { notation: 'compact', maximumFractionDigits: 1 } : {}).format(value);
}

export function whole(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(value);
}

/** Bits per second: "2.4 Mbit/s", "640 kbit/s". */
export function bitrate(bits_per_s: number): string {
  return bits_per_s >= 1_000_000 ? `${(bits_per_s / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bits_per_s / 1000)} kbit/s`;
}

/** A steady hue (0–359) for an id or handle. */
export function hueOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  // Names that differ in one letter hash near each other; the last mixing spreads them round the circle.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % 360;
}
