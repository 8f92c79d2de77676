-- What stands still or fails in all organisations together, counted: for readiness and metrics, which are nobody's.
CREATE OR REPLACE FUNCTION standing_work()
  RETURNS TABLE (what text, number bigint, oldest timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT e.reason_code, count(*), min(e.created_at) FROM exceptions e
   WHERE e.status = 'open' AND e.kind IN ('not_moving', 'step_failing', 'remittance_confirmation') GROUP BY e.reason_code
  UNION ALL
  SELECT 'COMMAND_NOT_CARRIED_OUT', count(*), min(c.created_at) FROM commands c
   WHERE c.state = 'pending' AND c.workflow_id IS NOT NULL AND c.created_at < now() - interval '5 minutes'
     AND c.created_at > now() - interval '7 days' HAVING count(*) > 0
  UNION ALL
  SELECT 'EVENTS_NOT_PUBLISHED', count(*), min(o.at) FROM outbox_events o WHERE o.position IS NULL
  HAVING min(o.at) < now() - interval '5 minutes'
$$;
GRANT EXECUTE ON FUNCTION standing_work() TO arflow_app;
