-- Erases what the events of one subject said (hard delete); who, when, which action and the chain stay.
CREATE OR REPLACE FUNCTION audit_erase(p_subject text) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE n bigint;
BEGIN
  UPDATE audit_events SET payload = NULL, salt = NULL
    WHERE org_id = current_setting('arflow.org_id', true) AND subject_id = p_subject AND payload IS NOT NULL;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;
