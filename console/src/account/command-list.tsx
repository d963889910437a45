/** The commands that this person may run on an account, each folded until wanted. */
import { Accordion, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type Command, commandsQuery } from '../api/commands.ts';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { words } from '../parts/written.ts';
import { CommandForm } from './command-form.tsx';

export const CommandList = ({ accountId }: { readonly accountId: string }) => {
  const catalogue = useQuery(commandsQuery);
  if (catalogue.isPending) return <Loading what="commands" />;
  if (catalogue.isError) return <Trouble error={catalogue.error} retry={() => catalogue.refetch()} />;
  const commands = catalogue.data.filter(actsOnAccount);
  if (commands.length === 0) return <Empty title="None that you may run here" />;
  return (
    <Accordion variant="contained" chevronPosition="left" order={3}>
      {commands.map((command) => (
        <Accordion.Item key={command.name} value={command.name}>
          <Accordion.Control>
            <Text fw={600} size="sm">
              {words(command.name)}
            </Text>
            <Text size="xs" className="quiet">
              {command.summary}
            </Text>
          </Accordion.Control>
          <Accordion.Panel>
            <CommandForm command={command} fixed={{ accountId }} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
};

/** `open-account` makes an account, every other command that asks for an account id acts on one. */
const actsOnAccount = ({ name, permitted, input }: Command): boolean =>
  permitted && name !== 'open-account' && input.required?.includes('accountId') === true;
