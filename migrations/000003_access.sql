-- Who signs in and with what. Nothing here is a secret in the clear: tokens and NameIDs are stored as
-- hashes, and what is personal is ciphertext of the codec under the person's own key.

CREATE TABLE people (
  -- person:<hex>: an HMAC of (identity provider, NameID), so that nobody without the key can test a guess.
  id               text        COLLATE "C" PRIMARY KEY,
  provider         text        COLLATE "C" NOT NULL,
  name_id_sealed   text        NOT NULL,
  email_sealed     text,
  name_sealed      text,
  -- As the provider said at the last sign-in; roles are taken from them by the policy in force.
  groups           text[]      NOT NULL,
  active           boolean     NOT NULL DEFAULT true,
  first_sign_in_at timestamptz NOT NULL,
  last_sign_in_at  timestamptz NOT NULL
);

CREATE TABLE sessions (
  -- SHA-256 of the token; the token itself is in the browser's cookie and nowhere else.
  token_hash    bytea       PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  -- Names the session in the log, where the hash has no business.
  id            text        COLLATE "C" NOT NULL UNIQUE,
  person_id     text        COLLATE "C" NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  tool          text        COLLATE "C" NOT NULL,
  -- The provider's own name of the session, so that its single logout finds ours.
  session_index text,
  created_at    timestamptz NOT NULL,
  last_used_at  timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL,
  revoked_at    timestamptz
);
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- A sign-in or sign-out that we started: answered once, by the browser that started it.
CREATE TABLE saml_requests (
  id           text        COLLATE "C" PRIMARY KEY,
  kind         text        NOT NULL CHECK (kind IN ('sign-in', 'sign-out')),
  provider     text        COLLATE "C" NOT NULL,
  relay_hash   bytea       NOT NULL UNIQUE,
  browser_hash bytea,
  return_to    text        NOT NULL,
  expires_at   timestamptz NOT NULL
);
CREATE INDEX saml_requests_expires_at ON saml_requests (expires_at);

-- Ids of assertions and logout requests that were used: each counts once, in whichever process it arrives.
CREATE TABLE saml_used_messages (
  provider   text        COLLATE "C" NOT NULL,
  id_hash    bytea       NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (provider, id_hash)
);
CREATE INDEX saml_used_messages_expires_at ON saml_used_messages (expires_at);
