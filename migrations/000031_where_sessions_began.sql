-- By what and from where somebody signed in, so that they know their own sessions from a stranger's: sealed under
-- the person's key, as it tells of them.
ALTER TABLE sessions ADD COLUMN begun_sealed text;
