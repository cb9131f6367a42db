/** Runs `task` now and then every `every_ms` while the page is seen, and at once when it is seen again. */
export function repeatWhileSeen(every_ms: number, task: () => void): () => void {
  task();
  const timer = setInterval(() => {
    if (!document.hidden) task();
  }, every_ms);
  const onSeen = () => {
    if (!document.hidden) task();
  };
  document.addEventListener('visibilitychange', onSeen);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', onSeen);
  };
}
