-- When somebody last proved at their identity provider who they are, and sign-ins that demanded it anew.
ALTER TABLE sessions ADD COLUMN authenticated_at timestamptz;
UPDATE sessions SET authenticated_at = created_at;
ALTER TABLE sessions ALTER COLUMN authenticated_at SET NOT NULL;

ALTER TABLE saml_requests ADD COLUMN forced boolean NOT NULL DEFAULT false;
