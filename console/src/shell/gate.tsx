/** Nobody signed in: the sign-in page. Somebody: the shell. Unknown yet, or no answer: says so. */
import { Center } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { meQuery } from '../api/me.ts';
import { Loading, Trouble } from '../parts/states.tsx';
import { SignIn } from '../sign-in/sign-in.tsx';
import { MeContext } from './me-context.ts';
import { Shell } from './shell.tsx';

export const Gate = () => {
  const me = useQuery(meQuery);
  if (me.data) {
    return (
      <MeContext value={me.data}>
        <Shell />
      </MeContext>
    );
  }
  if (me.data === null) return <SignIn />;
  return (
    <Center mih="100vh" p="md">
      {me.error ? <Trouble error={me.error} retry={() => me.refetch()} /> : <Loading what="Quarterdeck" />}
    </Center>
  );
};
