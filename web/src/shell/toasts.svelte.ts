/** Short notices at the foot of the window. At most three show at once. */
export interface Toast {
  id: number;
  text: string;
  kind: 'plain' | 'bad';
}

const SHOWN_MS = 4000;
const LIMIT = 3;

let nextId = 1;
let shown = $state.raw<Toast[]>([]);

export function toasts(): Toast[] {
  return shown;
}

export function toast(text: string, kind: Toast['kind'] = 'plain'): void {
  const id = nextId++;
  shown = [...shown.filter((other) => other.text !== text), { id, text, kind }].slice(-LIMIT);
  setTimeout(() => {
    shown = shown.filter((other) => other.id !== id);
  }, SHOWN_MS);
}
