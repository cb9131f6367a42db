/**
 * Keeps `--keyboard` on the page: the height that a phone's keyboard covers. Browsers that shrink the page themselves
 * (`interactive-widget=resizes-content`) leave it at 0; Safari does not and needs it.
 */
export function followKeyboard(): () => void {
  const viewport = window.visualViewport;
  if (!viewport) return () => {};
  const measure = () => {
    const covered = Math.max(0, Math.round(innerHeight - viewport.height - viewport.offsetTop));
    // A pinched page is smaller too, and a few pixels are the browser's own bars.
    const keyboard = viewport.scale > 1.01 || covered < 80 ? 0 : covered;
    document.documentElement.style.setProperty('--keyboard', `${keyboard}px`);
  };
  viewport.addEventListener('resize', measure);
  viewport.addEventListener('scroll', measure);
  return () => {
    viewport.removeEventListener('resize', measure);
    viewport.removeEventListener('scroll', measure);
    document.documentElement.style.removeProperty('--keyboard');
  };
}
