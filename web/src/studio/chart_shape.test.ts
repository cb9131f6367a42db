import { describe, expect, it } from 'vitest';
import { hillPath, niceTop, thinned } from './chart_shape';

describe('niceTop', () => {
  it.each([
    [0, 2],
    [3, 4],
    [61, 80],
    [100, 100],
    [1450, 2000],
  ])('%i fits under %i', (value, top) => expect(niceTop(value)).toBe(top));
});

describe('thinned', () => {
  it('keeps peaks and sums hearts', () => {
    const points = [3, 9, 4, 1, 5].map((viewers) => ({ viewers, hearts: 2 }));
    expect(thinned(points, 3)).toEqual([
      { viewers: 9, hearts: 4 },
      { viewers: 4, hearts: 4 },
      { viewers: 5, hearts: 2 },
    ]);
  });
});

it('closes the area under the line', () => {
  expect(hillPath([[0, 5], [10, 2]], 20)).toEqual({ line: 'M0.0 5.0L10.0 2.0', area: 'M0.0 5.0L10.0 2.0L10.0 20L0.0 20z' });
  expect(hillPath([], 20).line).toBe('');
});
