/** A request that was not served: what the server said (RFC 9457), or that it could not be reached. */
export class Problem extends Error {
  constructor(
    /** The HTTP status; 0 when no answer came. */
    readonly status: number,
    /** The stable word for programs. */
    readonly code: string,
    readonly detail: string,
    readonly field?: string,
    readonly retry_after_s?: number,
  ) {
    super(`${code}: ${detail}`);
    this.name = 'Problem';
  }

  static unreachable(): Problem {
    return new Problem(0, 'unreachable', 'The server could not be reached.');
  }

  static async from(response: Response): Promise<Problem> {
    const body = await readBody(response);
    const retryAfter = Number(body.retry_after_s ?? response.headers.get('Retry-After') ?? NaN);
    return new Problem(
      response.status,
      typeof body.code === 'string' ? body.code : `http_${response.status}`,
      typeof body.detail === 'string' ? body.detail : response.statusText,
      typeof body.field === 'string' ? body.field : undefined,
      Number.isFinite(retryAfter) ? retryAfter : undefined,
    );
  }

  /** Whether the same request may succeed when sent again. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

async function readBody(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
