-- What the company's directory says of a person by SCIM, by which row rules tell rows; `attributes` holds what counts.
ALTER TABLE people ADD COLUMN directory_attributes jsonb NOT NULL DEFAULT '{}';
