-- How an upload was read (encoding, delimiter, decimal sign, sheet): partly found in it, so that whoever looks at
-- the job sees what was made of the file. Columns' names and cells are not in it.
ALTER TABLE bulk_jobs ADD COLUMN read_as json;
