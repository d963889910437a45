/** A real link that stays in the page: new tabs, middle clicks and keyboards work as everywhere. */
import type { AnchorHTMLAttributes, MouseEvent } from 'react';
import { navigate } from './place.ts';

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  readonly href: string;
}

export const Link = ({ href, onClick, children, ...rest }: LinkProps) => (
  <a
    href={href}
    {...rest}
    onClick={(event) => {
      onClick?.(event);
      if (event.defaultPrevented || !isPlainClick(event)) return;
      event.preventDefault();
      navigate(href);
    }}
  >
    {children}
  </a>
);

const isPlainClick = (event: MouseEvent): boolean =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
