-- Called after every migration, so that it holds for whatever they made:
--   functions that run as somebody else, and those that triggers run, look for names in pg_catalog, then in the schema, and
--   last of all among temporary tables; nobody executes what he was not granted;
--   neither everybody nor the application makes temporary tables, or anything else, in this database.
CREATE OR REPLACE PROCEDURE arflow_harden() LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE f record; r record; t text;
BEGIN
  ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
  FOR f IN
    SELECT p.oid::regprocedure AS signature, p.prosecdef, p.proconfig, p.prokind, p.prorettype = 'trigger'::regtype AS fires, l.lanname
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.pronamespace = 'public'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  LOOP
    -- Plain SQL of the caller's own rights is spliced into the caller's statement, which a setting would prevent.
    IF (f.prosecdef OR f.lanname = 'plpgsql')
       AND NOT 'search_path=pg_catalog, public, pg_temp' = ANY (coalesce(f.proconfig, '{}')) THEN
      EXECUTE format('ALTER ROUTINE %s SET search_path = pg_catalog, public, pg_temp', f.signature);
    END IF;
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.signature);
    IF f.prokind = 'f' AND NOT f.prosecdef AND NOT f.fires THEN
      EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO arflow_app', f.signature);
    END IF;
  END LOOP;
  BEGIN
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, arflow_app, arflow_loader', current_database());
    FOR r IN
      SELECT DISTINCT a.grantee::regrole AS role FROM pg_database d, aclexplode(d.datacl) a
       WHERE d.datname = current_database() AND a.grantee NOT IN (0, d.datdba) AND a.privilege_type IN ('CREATE', 'TEMPORARY')
         AND (pg_has_role(a.grantee, 'arflow_app', 'MEMBER') OR pg_has_role(a.grantee, 'arflow_loader', 'MEMBER'))
    LOOP
      EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM %s', current_database(), r.role);
    END LOOP;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC, arflow_app, arflow_loader;
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the owner of the database must REVOKE CREATE, TEMPORARY ON DATABASE % FROM PUBLIC', current_database();
  END;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'arflow_verifier') THEN
    GRANT USAGE ON SCHEMA public TO arflow_verifier;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO arflow_verifier;
    REVOKE SELECT ON webhook_endpoints, approval_tokens, commands, import_files FROM arflow_verifier; -- secrets, and what was sent
    GRANT EXECUTE ON FUNCTION all_org_ids() TO arflow_verifier;
    FOREACH t IN ARRAY ARRAY['verify_marks', 'verify_facts', 'verify_erased', 'verify_erasures', 'verify_seals', 'verify_entries'] LOOP
      EXECUTE format('GRANT INSERT, DELETE ON %I TO arflow_verifier', t);
    END LOOP;
  END IF;
END $$;
