-- When whoever gave a tool something last proved who they are: a device's grant outlives the session that knew it.
ALTER TABLE oidc_records ADD COLUMN authenticated_at timestamptz;
UPDATE oidc_records g SET authenticated_at = s.authenticated_at FROM sessions s
  WHERE g.kind = 'Grant' AND s.id = g.session_id;
