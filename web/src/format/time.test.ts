import { describe, expect, it } from 'vitest';
import { ago, clock, hours, roughly } from './time';

describe('clock', () => {
  it.each([
    [0, '0:00'],
    [75_999, '1:15'],
    [3_725_000, '1:02:05'],
    [-5, '0:00'],
  ])('%i ms is %s', (length_ms, text) => expect(clock(length_ms)).toBe(text));
});

describe('words for time', () => {
  it('says how long ago, in both languages', () => {
    const now_ms = Date.parse('2026-01-01T01:00:00Z');
    expect(ago('2026-01-01T00:55:00Z', now_ms, 'en')).toBe('5 minutes ago');
    expect(ago('2026-01-01T00:55:00Z', now_ms, 'ko')).toBe('5분 전');
  });

  it('names the largest unit', () => {
    expect(roughly(600, 'en')).toBe('10 minutes');
    expect(roughly(86_400, 'ko')).toBe('1일');
  });

  it('sums watch time in hours, small sums in minutes or seconds', () => {
    expect(hours(5_400_000, 'en')).toBe('1.5 hr');
    expect(hours(120_000, 'en')).toBe('2 min');
    expect(hours(42_000, 'en')).toBe('42 sec');
    expect(hours(42_000, 'ko')).toBe('42초');
  });
});
