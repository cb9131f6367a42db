/** The outline of a broadcast's hearts over its seek bar. */
import type { HeartMoment } from '../api/types';

/** The length of one step of the heart timeline. */
export const STEP_MS = 5000;

/**
 * An SVG path in a box 100 wide and 1 high. `shareOf` says where on the bar (0 to 1) a position lies. Steps without hearts
 * are not in the timeline; the hill comes down to the ground there. Heights follow the square root, so that one great
 * moment does not flatten all others.
 */
export function hillPath(moments: HeartMoment[], shareOf: (position_ms: number) => number | undefined): string {
  const most = Math.max(0, ...moments.map(({ hearts }) => hearts));
  if (most === 0) return '';
  const points: [position_ms: number, height: number][] = [];
  for (const [index, { position_ms, hearts }] of moments.entries()) {
    const before = moments[index - 1]?.position_ms;
    const after = moments[index + 1]?.position_ms;
    if (before === undefined || position_ms - before > STEP_MS) points.push([position_ms - STEP_MS / 2, 0]);
    points.push([position_ms + STEP_MS / 2, Math.sqrt(hearts / most)]);
    if (after === undefined || after - position_ms > STEP_MS) points.push([position_ms + STEP_MS * 1.5, 0]);
  }
  const corners = points.flatMap(([position_ms, height]) => {
    const share = shareOf(Math.max(0, position_ms));
    return share === undefined ? [] : [`${(share * 100).toFixed(2)} ${(1 - height).toFixed(3)}`];
  });
  return corners.length < 2 ? '' : `M${corners.join('L')}z`;
}
