-- Least privilege for the ministry's database. Run by a superuser in that database, after the tables
-- were made and again after each upgrade; it may be run any number of times. Then let `database_url`
-- in service.toml name cipher_service:
--
--   createdb --owner=cipher_owner ministry
--   cipher-service init --database postgresql://cipher_owner@HOST/ministry ...
--   psql --dbname=ministry --file=deploy/postgresql/roles.sql
--
-- cipher_owner    makes and changes tables (`cipher-service migrate --database URL`), and nothing else
-- cipher_service  what the running service is: rows, never tables; of the audit log it can only add
-- cipher_auditor  reads the audit log, and nothing else
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cipher_owner') THEN
    CREATE ROLE cipher_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cipher_service') THEN
    CREATE ROLE cipher_service LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cipher_auditor') THEN
    CREATE ROLE cipher_auditor LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
  END IF;
END
$$;

-- Nobody enters or makes anything merely by being there.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO cipher_owner, cipher_service, cipher_auditor',
                 current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO cipher_owner;
GRANT USAGE ON SCHEMA public TO cipher_service, cipher_auditor;
REVOKE CREATE ON SCHEMA public FROM cipher_service, cipher_auditor;

-- What is there belongs to the owner, whoever made it.
DO $$
DECLARE
  one regclass;
BEGIN
  FOR one IN
    SELECT oid::regclass FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO cipher_owner', one);
  END LOOP;
  FOR one IN
    SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
  LOOP
    EXECUTE format('ALTER SEQUENCE %s OWNER TO cipher_owner', one);
  END LOOP;
END
$$;

-- The service: rows, without TRUNCATE, REFERENCES or TRIGGER.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, cipher_service, cipher_auditor;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO cipher_service;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM cipher_service;

-- The log: added to and read. How far it has come is the one row that moves.
REVOKE UPDATE, DELETE ON audit_entry, audit_tile, audit_checkpoint, audit_witness, audit_cosignature
  FROM cipher_service;
REVOKE DELETE ON audit_log FROM cipher_service;

GRANT SELECT ON audit_log, audit_entry, audit_tile, audit_checkpoint, audit_witness,
  audit_cosignature TO cipher_auditor;
