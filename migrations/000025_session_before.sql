-- The session that a browser had when it began to sign in: over https its cookie does not come along when the
-- provider's page posts the answer across sites, so it is remembered here, by the hash it is stored under.
ALTER TABLE saml_requests ADD COLUMN session_hash bytea;
