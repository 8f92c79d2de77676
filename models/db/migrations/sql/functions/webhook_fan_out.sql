-- Published events of every organisation to whoever asked for their type. The relay calls it, again after a crash:
-- what has a delivery already gets no second one. Answers which queues (endpoint and subject) have something new.
CREATE OR REPLACE FUNCTION webhook_fan_out(p_after bigint, p_upto bigint) RETURNS TABLE (org_id text, endpoint_id text, subject text)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH made AS (
    INSERT INTO webhook_deliveries (org_id, id, endpoint_id, event_id, event_type, subject, position, created_at)
    SELECT o.org_id, 'whdl_' || substr(o.id, strpos(o.id, '_') + 1) || '_' || substr(e.id, 6), e.id, o.id, o.type, o.subject,
           o.position, clock_timestamp()
      FROM webhook_endpoints e JOIN outbox_events o ON o.org_id = e.org_id
     WHERE o.position > greatest(p_after, e.since) AND o.position <= p_upto AND e.status = 'enabled'
       AND (e.event_types = '{}' OR o.type = ANY(e.event_types))
    ON CONFLICT DO NOTHING)
  SELECT DISTINCT o.org_id, e.id, o.subject
    FROM webhook_endpoints e JOIN outbox_events o ON o.org_id = e.org_id
   WHERE o.position > greatest(p_after, e.since) AND o.position <= p_upto AND e.status = 'enabled'
     AND (e.event_types = '{}' OR o.type = ANY(e.event_types))
$$;
GRANT EXECUTE ON FUNCTION webhook_fan_out(bigint, bigint) TO arflow_app;
