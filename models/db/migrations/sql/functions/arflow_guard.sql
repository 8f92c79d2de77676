-- Guards a table: row-level security by organisation, and the grants of the application role.
CREATE OR REPLACE PROCEDURE arflow_guard(p_table text, p_privileges text)
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', p_table);
  EXECUTE format('CREATE POLICY tenant ON %I USING (org_id = (SELECT current_setting(''arflow.org_id'', true)))
                  WITH CHECK (org_id = (SELECT current_setting(''arflow.org_id'', true)))', p_table);
  EXECUTE format('GRANT %s ON %I TO arflow_app', p_privileges, p_table);
END $$;
