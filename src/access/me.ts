/** What a principal is told about itself: `GET /internal/v1/me`. */
import type { Attributes, Principal } from './principal.ts';

export interface Me {
  readonly principal: {
    readonly id: string;
    readonly kind: string;
    readonly email?: string;
    readonly name?: string;
  };
  readonly roles: readonly string[];
  /** By which row rules of the policy tell the rows that they reach. */
  readonly attributes: Attributes;
  /** Grants as the policy writes them. */
  readonly permissions: readonly string[];
  readonly tool: string;
}

export const meOf = ({ id, kind, email, name, roles, attributes, permissions, tool }: Principal): Me => ({
  principal: {
    id,
    kind,
    ...(email === undefined ? {} : { email }),
    ...(name === undefined ? {} : { name }),
  },
  roles,
  attributes: attributes ?? {},
  permissions: permissions.grants,
  tool,
});
