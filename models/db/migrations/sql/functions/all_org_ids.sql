-- For the processes that serve every organisation (relay, verify, schedules): the ids, nothing else.
CREATE OR REPLACE FUNCTION all_org_ids() RETURNS SETOF text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT org_id FROM organisations ORDER BY org_id
$$;
GRANT EXECUTE ON FUNCTION all_org_ids() TO arflow_app;
