/** A new account, in a dialog; afterwards its page. */
import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { CommandForm } from '../account/command-form.tsx';
import { commandsQuery } from '../api/commands.ts';
import { navigate } from '../navigation/place.ts';
import { accountUrl } from './columns.tsx';

export const OpenAccount = () => {
  const [opened, { open, close }] = useDisclosure(false);
  const command = useQuery(commandsQuery).data?.find(({ name }) => name === 'open-account');
  if (command?.permitted !== true) return null;
  return (
    <>
      <Button variant="default" onClick={open}>
        Open an account
      </Button>
      <Modal opened={opened} onClose={close} title="Open an account">
        <CommandForm command={command} onDone={(input) => navigate(accountUrl(String(input.accountId)))} />
      </Modal>
    </>
  );
};
