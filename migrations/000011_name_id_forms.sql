-- How the provider wrote the NameID that a session began with: its Format and qualifiers, which single logout
-- must give back with it (SAML 2.0 Core, 3.3.4). They name nobody.
ALTER TABLE sessions ADD COLUMN name_id_form jsonb;
