/** The present time for things that count on the screen; it steps only while somebody looks. */
import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
  const timer = setInterval(() => {
    if (!document.hidden) update();
  }, 1000);
  return () => clearInterval(timer);
});

export function now_ms(): number {
  subscribe();
  return Date.now();
}
