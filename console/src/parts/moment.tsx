/** A time as people read it here, with its zone; the exact UTC text of the log on hover. */
import { moment } from './written.ts';

export const Moment = ({ at }: { readonly at: string | null | undefined }) =>
  at === null || at === undefined ? (
    <span className="quiet">–</span>
  ) : (
    <time className="numbers" dateTime={at} title={at}>
      {moment(at)}
    </time>
  );
