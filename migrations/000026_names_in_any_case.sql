-- People whose NameIDs differ only in capitals: a directory and an assertion may spell one name differently, and
-- each spelling is a person of its own. An HMAC like the id; known from a person's next sign-in or push on.
ALTER TABLE people ADD COLUMN folded_hash bytea;
CREATE INDEX people_folded_hash ON people (folded_hash) WHERE folded_hash IS NOT NULL;
-- All that somebody gave tools is deleted when they leave.
CREATE INDEX oidc_records_person ON oidc_records (person_id) WHERE person_id IS NOT NULL;
