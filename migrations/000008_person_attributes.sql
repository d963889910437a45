-- What identity providers say of a person beside name and groups, as lists of text ({"regions": ["EMEA"]}):
-- by these, row rules of the access policy tell which rows a person reaches.
ALTER TABLE people ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}';
