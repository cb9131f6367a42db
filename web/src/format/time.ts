/** Times and lengths as people read them. */

/** 75_000 ms → "1:15"; 3_725_000 ms → "1:02:05". Negative lengths count as none. */
export function clock(length_ms: number): string {
  const total = Math.max(0, Math.floor(length_ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const seconds = String(total % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** "5 minutes ago" in the given language. */
export function ago(at: string, now_ms: number, language: string): string {
  const seconds = Math.round((Date.parse(at) - now_ms) / 1000);
  const [unit, size] = UNITS.find(([, unitSize]) => Math.abs(seconds) >= unitSize) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.trunc(seconds / size), unit);
}

/** The largest unit alone: 90 s → "1 minute", 7_200 s → "2 hours". */
export function roughly(seconds: number, language: string): string {
  const found = UNITS.slice(3).find(([, unitSize]) => seconds >= unitSize);
  const [unit, size] = found ?? ['second', 1];
  const count = Math.round(seconds / size);
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}

/** Hours with one decimal, for sums of watch time; small sums in minutes or seconds. */
export function hours(length_ms: number, language: string): string {
  const [unit, size_ms]: [string, number] = length_ms < 60_000 ? ['second', 1000] : length_ms < 3_600_000 ? ['minute', 60_000] : ['hour', 3_600_000];
  const value = length_ms / size_ms;
  const maximumFractionDigits = unit === 'hour' && value < 100 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits }).format(value);
}

export function dateTime(at: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));
}

export function date(at: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(at));
}

export function timeOfDay(at: string, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
}
