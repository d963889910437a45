-- What the application's role may do; run by the owner after every migration, in one transaction, with
-- the role's name in the setting quarterdeck.application_role. Run again it changes nothing.
--
-- The log (events and its partitions): read and add, never change or remove. The ledger of migrations, and which
-- partitions were moved: read. Where they lie: read and write. Every other table of the owner in the schema public: read
-- and write. The schema read_models: the role makes and owns its tables there. The schema bullmq, where queues live in
-- this database: everything.
DO $grants$
DECLARE
  application constant text := current_setting('quarterdeck.application_role');
  relation record;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', application);

  FOR relation IN
    WITH RECURSIVE log AS (
      SELECT to_regclass('public.events')::oid AS oid
      UNION ALL
      SELECT inhrelid FROM pg_inherits JOIN log ON inhparent = log.oid
    )
    SELECT format('%I.%I', n.nspname, c.relname) AS name,
           CASE
             WHEN c.relname IN ('schema_migrations', 'moved_partitions') THEN 'SELECT'
             WHEN c.relname = 'archived_members' THEN 'SELECT, INSERT, UPDATE'
             WHEN c.oid IN (SELECT oid FROM log) THEN 'SELECT, INSERT'
             ELSE 'SELECT, INSERT, UPDATE, DELETE'
           END AS privileges
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND pg_has_role(c.relowner, 'USAGE')
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %I', relation.name, application);
    EXECUTE format('GRANT %s ON %s TO %I', relation.privileges, relation.name, application);
  END LOOP;

  FOR relation IN
    SELECT oid::regclass AS name FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' AND pg_has_role(relowner, 'USAGE')
  LOOP
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', relation.name, application);
  END LOOP;

  FOR relation IN
    SELECT oid::regprocedure AS name FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace AND pg_has_role(proowner, 'USAGE')
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', relation.name, application);
  END LOOP;

  -- Tables made between two runs of this file are partitions of the log, so they get no more than it has.
  EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO %I', application);
  EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO %I', application);

  IF to_regnamespace('read_models') IS NULL THEN
    CREATE SCHEMA read_models;
  END IF;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA read_models TO %I', application);

  IF to_regnamespace('bullmq') IS NOT NULL THEN
    -- CREATE: BullMQ makes a sequence for each queue when it is first used.
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA bullmq TO %I', application);
    -- The sequences that the application's role made are its own already, and not the owner's to grant.
    FOR relation IN
      SELECT oid::regclass AS name, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind FROM pg_class
       WHERE relnamespace = 'bullmq'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') AND pg_has_role(relowner, 'USAGE')
    LOOP
      EXECUTE format('GRANT ALL ON %s %s TO %I', relation.kind, relation.name, application);
    END LOOP;
    EXECUTE format('GRANT ALL ON ALL FUNCTIONS IN SCHEMA bullmq TO %I', application);
  END IF;
END
$grants$;
