-- People whom the company's directory tells us of by SCIM, also before they sign in for the first time.

ALTER TABLE people ALTER COLUMN first_sign_in_at DROP NOT NULL;
ALTER TABLE people ALTER COLUMN last_sign_in_at DROP NOT NULL;
-- Told of by SCIM: where the policy says so, their groups are the directory's and not the assertion's.
ALTER TABLE people ADD COLUMN provisioned boolean NOT NULL DEFAULT false;

CREATE TABLE scim_users (
  id             text        COLLATE "C" PRIMARY KEY,
  provider       text        COLLATE "C" NOT NULL,
  person_id      text        COLLATE "C" NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  -- HMACs, because they are looked for and are somebody's address.
  user_name_hash bytea       NOT NULL,
  external_hash  bytea,
  -- What we keep of the resource, as JSON, under the person's own key.
  sealed         text        NOT NULL,
  active         boolean     NOT NULL,
  created_at     timestamptz NOT NULL,
  changed_at     timestamptz NOT NULL,
  UNIQUE (provider, user_name_hash),
  UNIQUE (provider, person_id)
);
CREATE INDEX scim_users_external ON scim_users (provider, external_hash);

CREATE TABLE scim_groups (
  id           text        COLLATE "C" PRIMARY KEY,
  provider     text        COLLATE "C" NOT NULL,
  display_name text        COLLATE "C" NOT NULL,
  external_id  text        COLLATE "C",
  created_at   timestamptz NOT NULL,
  changed_at   timestamptz NOT NULL,
  UNIQUE (provider, display_name)
);
CREATE INDEX scim_groups_external ON scim_groups (provider, external_id);

CREATE TABLE scim_members (
  group_id text COLLATE "C" NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
  user_id  text COLLATE "C" NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX scim_members_user ON scim_members (user_id);
