/** What a look at the whole log can find wrong: none of it happens by itself. */
export type LogFaultKind =
  /** The event at this position is not the one that was sealed. */
  | 'altered'
  /** There is no event at this position, and there are events behind it. */
  | 'missing'
  /** The log ends before this position, which was sealed or signed. */
  | 'truncated'
  /** The sealed tree is not the one that was signed. */
  | 'forked';

export class LogFault extends Error {
  readonly kind: LogFaultKind;
  /** The first that is affected, as far as is known. */
  readonly position: number;

  constructor(kind: LogFaultKind, position: number, message: string) {
    super(message);
    this.kind = kind;
    this.position = position;
  }
}

export const missingAt = (position: number): LogFault =>
  new LogFault('missing', position, `The event at position ${position} is missing from the log.`);
