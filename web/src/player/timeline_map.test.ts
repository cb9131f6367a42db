import { describe, expect, it } from 'vitest';
import { positionOf, secondOf } from './timeline_map';

/** Two stretches with an interruption of 20 s between them. */
const stretches = [
  { start_s: 0, length_s: 10, date_ms: 100_000 },
  { start_s: 10, length_s: 5, date_ms: 130_000 },
];

describe('the timeline map', () => {
  it('runs on through an interruption', () => {
    expect(positionOf(stretches, 9, 100_000)).toBe(9000);
    expect(positionOf(stretches, 11, 100_000)).toBe(31_000);
  });

  it('finds the second back, and the return of the picture for a moment without one', () => {
    expect(secondOf(stretches, 31_000, 100_000)).toBe(11);
    expect(secondOf(stretches, 15_000, 100_000)).toBe(10);
  });

  it('knows nothing without media', () => {
    expect(positionOf([], 3, 0)).toBeUndefined();
    expect(secondOf([], 3, 0)).toBeUndefined();
  });
});
