-- The organisation that this transaction is for.
CREATE OR REPLACE FUNCTION arflow_org() RETURNS text
  LANGUAGE sql STABLE AS $$ SELECT current_setting('arflow.org_id', true) $$;
