/** Hearts that float up over the picture, drawn on one canvas; at most `LIMIT` at once. */
const LIMIT = 60;
const LIFE_MS = 2600;
/** From this width of the picture on, hearts have their full size. */
const SCALE_WIDTH_PX = 720;
const OWN_COLOURS = ['#ff5a3c', '#ff7a4d', '#ffb52e'];
const OTHER_COLOURS = ['#ff8a70', '#ffc766', '#8fd9bf', '#f3a6a0', '#f6efe0'];

interface Drop {
  x: number;
  y: number;
  born_ms: number;
  sway: number;
  drift: number;
  size: number;
  rise: number;
  colour: string;
}

const SHAPE = 'M0 .9C-.9.3-1-.2-1-.45-1-.8-.75-1-.5-1-.25-1-.08-.85 0-.7.08-.85.25-1 .5-1 .75-1 1-.8 1-.45 1-.2.9.3 0 .9z';

export class HeartRain {
  private readonly context: CanvasRenderingContext2D | null;
  private readonly shape = new Path2D(SHAPE);
  private readonly still = matchMedia('(prefers-reduced-motion: reduce)');
  private drops: Drop[] = [];
  private frame = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext('2d');
  }

  /** One heart; without a place it rises at the lower right, where the button is. */
  drop(own: boolean, place?: { x: number; y: number }): void {
    if (this.still.matches || document.hidden || this.drops.length >= LIMIT) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const colours = own ? OWN_COLOURS : OTHER_COLOURS;
    const random = Math.random;
    const scale = Math.min(1, Math.max(0.6, width / SCALE_WIDTH_PX));
    this.drops.push({
      x: place?.x ?? width - 48 - random() * Math.min(72, width * 0.12),
      y: place?.y ?? height - 56,
      born_ms: performance.now(),
      sway: random() * Math.PI * 2,
      drift: (random() - 0.5) * 40,
      size: scale * (own ? 15 + random() * 5 : 9 + random() * 6),
      rise: height * (0.45 + random() * 0.3),
      colour: colours[Math.floor(random() * colours.length)] ?? '#ff5a3c',
    });
    if (this.frame === 0) this.frame = requestAnimationFrame(this.draw);
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.drops = [];
  }

  private readonly draw = (now: number): void => {
    const { context, canvas } = this;
    if (!context) return;
    const scale = Math.min(2, devicePixelRatio);
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    this.drops = this.drops.filter(({ born_ms }) => now - born_ms < LIFE_MS);
    for (const drop of this.drops) this.paint(context, drop, (now - drop.born_ms) / LIFE_MS, scale);
    this.frame = this.drops.length > 0 ? requestAnimationFrame(this.draw) : 0;
  };

  private paint(context: CanvasRenderingContext2D, drop: Drop, age: number, scale: number): void {
    const pop = age < 0.08 ? 0.4 + (age / 0.08) * 0.75 : 1.15 - Math.min(0.15, (age - 0.08) * 1.5);
    const x = drop.x + Math.sin(drop.sway + age * 7) * 12 * age + drop.drift * age;
    const y = drop.y - drop.rise * (1 - (1 - age) ** 1.8);
    context.setTransform(1, 0, 0, 1, x * scale, y * scale);
    context.rotate(Math.sin(drop.sway + age * 6) * 0.22);
    context.scale(drop.size * pop * scale, drop.size * pop * scale);
    context.globalAlpha = age > 0.6 ? (1 - age) / 0.4 : 1;
    context.fillStyle = drop.colour;
    context.fill(this.shape);
  }
}
