-- Tools that sign in with OpenID Connect: what oidc-provider keeps, and the keys that it signs with.

CREATE TABLE oidc_records (
  -- AccessToken, RefreshToken, AuthorizationCode, DeviceCode, Grant, Session, Interaction, …
  kind           text        COLLATE "C" NOT NULL,
  -- SHA-256 of the token, code or id: whoever reads this table cannot use what is in it.
  id_hash        bytea       NOT NULL CHECK (octet_length(id_hash) = 32),
  -- SHA-256 of the id of the grant that it belongs to; of a grant, its own.
  grant_hash     bytea,
  uid_hash       bytea,
  -- An HMAC: a code that a person types is short enough to be guessed from a bare hash.
  user_code_hash bytea,
  person_id      text        COLLATE "C",
  tool           text        COLLATE "C",
  -- Of a grant: the session in which it was given and with which it ends; null where it outlives it.
  session_id     text        COLLATE "C",
  scope          text,
  -- The record itself, sealed: it holds redirect addresses, states and what a browser asked for.
  payload_sealed text        NOT NULL,
  issued_at      timestamptz NOT NULL,
  expires_at     timestamptz NOT NULL,
  consumed_at    timestamptz,
  PRIMARY KEY (kind, id_hash)
);
CREATE INDEX oidc_records_grant ON oidc_records (grant_hash) WHERE grant_hash IS NOT NULL;
CREATE INDEX oidc_records_uid ON oidc_records (uid_hash) WHERE uid_hash IS NOT NULL;
CREATE INDEX oidc_records_user_code ON oidc_records (user_code_hash) WHERE user_code_hash IS NOT NULL;
CREATE INDEX oidc_records_expires_at ON oidc_records (expires_at);

CREATE TABLE oidc_signing_keys (
  kid             text        COLLATE "C" PRIMARY KEY,
  public_jwk      jsonb       NOT NULL,
  -- The private JWK, sealed under a key that the master key wraps.
  private_sealed  text        NOT NULL,
  -- Published from its making on; signs between these two; published until the last of them.
  signs_from      timestamptz NOT NULL,
  signs_until     timestamptz NOT NULL,
  published_until timestamptz NOT NULL
);
