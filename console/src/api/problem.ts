/**
 * What went wrong, as the API says it (RFC 9457) or as the browser noticed it. Every failed call throws
 * a `Problem`, so that screens show one thing: title, detail and field errors.
 */
export interface FieldProblem {
  /** Dotted path into the input, `''` for the whole. */
  readonly path: string;
  readonly message: string;
}

interface ProblemDocument {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly rejection?: string;
  readonly errors?: readonly FieldProblem[];
}

export class Problem extends Error {
  override readonly name = 'Problem';
  /** 0 when no answer came at all. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly rejection: string | undefined;
  readonly errors: readonly FieldProblem[];
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, document: ProblemDocument, retryAfter: string | null = null) {
    const title = document.title ?? titleOf(status);
    super(document.detail ?? title);
    this.status = status;
    this.code = document.code ?? 'unknown';
    this.title = title;
    this.detail = document.detail?.replace(/\.$/, '') === title ? undefined : document.detail;
    this.rejection = document.rejection;
    this.errors = document.errors ?? [];
    this.retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter) || undefined;
  }

  /** The same call may well succeed later: no answer, overloaded, or still catching up. */
  get passing(): boolean {
    return this.status === 0 || this.status === 503 || this.status === 504;
  }
}

export const unreachable = (): Problem =>
  new Problem(0, {
    code: 'unreachable',
    title: 'Quarterdeck does not answer',
    detail: 'The connection failed. Nothing tells whether the request arrived; sending it again is safe.',
  });

export const problemOf = async (answer: Response): Promise<Problem> => {
  const document: unknown = await answer.json().catch(() => ({}));
  const known = typeof document === 'object' && document !== null ? (document as ProblemDocument) : {};
  return new Problem(answer.status, known, answer.headers.get('retry-after'));
};

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem(0, {
        code: 'console',
        title: 'The console made a mistake',
        detail: error instanceof Error ? error.message : String(error),
      });

const titleOf = (status: number): string =>
  status >= 500 ? 'Quarterdeck could not answer' : `The request was refused (${status})`;
