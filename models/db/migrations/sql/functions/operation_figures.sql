-- What whoever is on call looks at first, counted over all organisations: for readiness and metrics, which are nobody's.
CREATE OR REPLACE FUNCTION operation_figures()
  RETURNS TABLE (figure text, whose text, number bigint, oldest timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE WHEN due_at < now() THEN 'overdue' ELSE 'due' END, coalesce(owner_role, 'person'), count(*), min(due_at)
    FROM exceptions WHERE status = 'open' GROUP BY 1, 2
  UNION ALL
  SELECT 'failing_webhooks', '', count(DISTINCT (org_id, endpoint_id)), min(created_at) FROM webhook_deliveries
   WHERE status = 'PENDING' AND attempts > 0
  UNION ALL
  SELECT 'webhook_deliveries', '', count(*), min(created_at) FROM webhook_deliveries WHERE status = 'PENDING'
  UNION ALL
  SELECT 'commands', '', count(*), min(created_at) FROM commands
   WHERE state = 'pending' AND workflow_id IS NOT NULL AND created_at > now() - interval '7 days'
$$;
GRANT EXECUTE ON FUNCTION operation_figures() TO arflow_app;
