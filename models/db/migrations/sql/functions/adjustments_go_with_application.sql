-- An application is not undone as long as an adjustment of it stands; looked at when the transaction commits.
CREATE OR REPLACE FUNCTION adjustments_go_with_application() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM adjustments a WHERE a.org_id = NEW.org_id AND a.application_id = NEW.id AND a.undone_at IS NULL) THEN
    RAISE EXCEPTION 'application % is undone, an adjustment of it is not', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
