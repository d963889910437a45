/** How providers call what we want to know of a person: usual names, or those that the policy gives. */
import { type Acme, openAcme } from './acme.ts';
import { saying, sealed } from './messages.ts';

let acme: Acme;
beforeAll(async () => {
  acme = await openAcme();
});
afterAll(() => acme.close());

const statement = (attributes: Readonly<Record<string, readonly string[]>>): string =>
  `<saml:AttributeStatement>${Object.entries(attributes)
    .map(
      ([name, values]) =>
        `<saml:Attribute Name="${name}">${values
          .map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`)
          .join('')}</saml:Attribute>`,
    )
    .join('')}</saml:AttributeStatement>`;

const meWith = async (attributes: Readonly<Record<string, readonly string[]>>) => {
  const begun = await acme.begin();
  return acme.expectSignedIn(
    begun,
    sealed(saying(begun.request, { attributes: statement(attributes) }), acme.key),
  );
};

const claims = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';

test.each([
  ['Okta', '', { email: ['ann@x.example'], displayName: ['Ann'], groups: ['staff', 'all'] }],
  ['Google Workspace', '', { email: ['ann@x.example'], displayName: ['Ann'], groups: ['staff'] }],
  [
    'Entra ID',
    "names: { groups: 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups' }",
    {
      [`${claims}/emailaddress`]: ['ann@x.example'],
      'http://schemas.microsoft.com/identity/claims/displayname': ['Ann'],
      'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups': ['staff'],
    },
  ],
  [
    'a provider with names of its own',
    'names: { groups: memberOf, email: Post, name: Rufname }',
    {
      memberOf: ['staff'],
      Post: ['ann@x.example'],
      Rufname: ['Ann'],
      email: ['not-this@x.example'],
      displayName: ['Not this'],
      groups: ['not this'],
    },
  ],
])('%s', async (_name, rules, attributes) => {
  await acme.applyRules(rules);
  expect(await meWith(attributes)).toMatchObject({
    principal: { email: 'ann@x.example', name: 'Ann' },
    roles: ['reader'],
  });
});

test('attributes of the person come as lists: of one, of several, of none', async () => {
  await acme.applyRules('attributes: { regions: Region, teams: Team }');
  const attributes = async (given: Readonly<Record<string, readonly string[]>>) =>
    (await meWith({ groups: ['staff'], ...given })).attributes;
  expect(await attributes({ Region: ['EMEA'] })).toEqual({ regions: ['EMEA'], teams: [] });
  expect(await attributes({ Region: ['EMEA', 'APAC', 'EMEA'], Team: ['x', ' '] })).toEqual({
    regions: ['EMEA', 'APAC'],
    teams: ['x'],
  });
});

test('a name in the policy that nobody asks for is told with its line', async () => {
  await expect(acme.applyRules('names: { mail: x }')).rejects.toThrow(
    'access-policy.yaml line 3: unknown entry "mail" in providers.acme.names',
  );
});
