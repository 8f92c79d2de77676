-- Published events of every organisation, in order of position.
CREATE OR REPLACE FUNCTION outbox_read(p_after bigint, p_limit int)
  RETURNS TABLE (org_id text, id text, type text, subject text, data jsonb, at timestamptz, "position" bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT o.org_id, o.id, o.type, o.subject, o.data, o.at, o.position FROM outbox_events o
   WHERE o.position > p_after ORDER BY o.position LIMIT p_limit
$$;
GRANT EXECUTE ON FUNCTION outbox_read(bigint, int) TO arflow_app;
