/** Where the tab of a fresh sign-in ends: the tab that waits is told, and this one closes. */
import { useEffect } from 'react';
import { Empty } from '../parts/states.tsx';
import { useMe } from '../shell/me-context.ts';
import { announceSignIn } from './fresh-sign-in.ts';

export const SignedInAgain = () => {
  const { principal } = useMe();
  useEffect(() => {
    announceSignIn(principal.id);
    window.close();
  }, [principal.id]);
  return <Empty title="You have signed in once more">Close this tab and go on in the other one.</Empty>;
};
