/** A time as people read it here, with its zone; the exact UTC text of the log on hover. */
import { moment } from './written.ts';

/** Where it may be broken at all, it is before the zone. */
const Shown = ({ text }: { readonly text: string }) => {
  const end = text.lastIndexOf(' ');
  if (end < 0) return text;
  return (
    <>
      <span className="whole">{text.slice(0, end)}</span>
      {text.slice(end)}
    </>
  );
};

interface MomentProps {
  readonly at: string | null | undefined;
  /** One of several in a row: the zone goes below where there is no room beside. */
  readonly narrow?: boolean;
}

export const Moment = ({ at, narrow = false }: MomentProps) =>
  at === null || at === undefined ? (
    <span className="quiet">–</span>
  ) : (
    <time className={narrow ? 'numbers narrow' : 'numbers'} dateTime={at} title={at}>
      <Shown text={moment(at)} />
    </time>
  );
