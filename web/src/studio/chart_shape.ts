/** Shapes of the studio's charts. */

type Point = [x: number, y: number];

/** A line through the points, and the area under it down to `floor`. */
export function hillPath(points: Point[], floor: number): { line: string; area: string } {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return { line: '', area: '' };
  const line = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  return { line, area: `${line}L${last[0].toFixed(1)} ${floor}L${first[0].toFixed(1)} ${floor}z` };
}

/** The next round number at or above a value: 1, 2, 4, 6, 8 or 10 times a power of ten, so that its half is round too. */
export function niceTop(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= value) ?? 10;
  return factor * power;
}

/** Joins neighbours until at most `limit` points are left: the most viewers and all hearts of each group. */
export function thinned<T extends { viewers: number; hearts: number }>(points: T[], limit: number): T[] {
  const size = Math.ceil(points.length / limit);
  if (size <= 1) return points;
  const groups: T[] = [];
  for (let from = 0; from < points.length; from += size) {
    const group = points.slice(from, from + size);
    const first = group[0];
    if (!first) continue;
    groups.push({
      ...first,
      viewers: Math.max(...group.map(({ viewers }) => viewers)),
      hearts: group.reduce((sum, { hearts }) => sum + hearts, 0),
    });
  }
  return groups;
}
