/** Users and groups as SCIM writes them (RFC 7643 section 4). */
import { urn } from './discovery.ts';
import type { StoredGroup } from './groups.ts';
import { toldView } from './told.ts';
import type { StoredUser } from './users.ts';

interface Dated {
  readonly id: string;
  readonly createdAt: string;
  readonly changedAt: string;
}

const metaOf = (base: string, resourceType: 'User' | 'Group', { id, createdAt, changedAt }: Dated) => ({
  resourceType,
  created: new Date(createdAt).toISOString(),
  lastModified: new Date(changedAt).toISOString(),
  location: `${base}/${resourceType}s/${id}`,
});

/** `base`: `https://…/scim/v2`. Attributes that are undefined are left out of the JSON. */
export const userView = (base: string, stored: StoredUser) => {
  const { id, groups } = stored;
  const { userName, externalId, displayName, givenName, familyName, email, active } = stored.user;
  const told = toldView(stored.user.told ?? {});
  return {
    schemas: [urn.user, ...Object.keys(told).filter((key) => key.startsWith('urn:'))],
    id,
    externalId,
    userName,
    displayName,
    name: givenName === undefined && familyName === undefined ? undefined : { givenName, familyName },
    emails: email === undefined ? undefined : [{ value: email, type: 'work', primary: true }],
    active,
    ...told,
    groups: groups.map((group) => ({ value: group.id, display: group.displayName })),
    meta: metaOf(base, 'User', stored),
  };
};

export const groupView = (base: string, stored: StoredGroup) => {
  const { id, group, members } = stored;
  return {
    schemas: [urn.group],
    id,
    externalId: group.externalId,
    displayName: group.displayName,
    members: members?.map((value) => ({ value })),
    meta: metaOf(base, 'Group', stored),
  };
};

export const listView = (resources: readonly object[], total: number, startIndex: number) => ({
  schemas: [urn.list],
  totalResults: total,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});
