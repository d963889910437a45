/** Who is signed in, for every screen inside the shell. */
import { createContext, use } from 'react';
import { permits } from '../api/me.ts';
import type { Me } from '../api/types.ts';

export const MeContext = createContext<Me | undefined>(undefined);

export const useMe = (): Me => {
  const me = use(MeContext);
  if (me === undefined) throw new Error('This part stands outside the shell, where nobody is signed in.');
  return me;
};

export const usePermits = (permission: string): boolean => permits(useMe(), permission);
