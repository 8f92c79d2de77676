-- Takes away records of one organisation whose time is over, up to p_most at a time; answers how many. The application itself may
-- delete none of them. Nothing younger than a month goes, whatever the caller says, and nothing that is still to be done.
CREATE OR REPLACE FUNCTION prune_records(p_table text, p_before timestamptz, p_most int) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_org text := current_setting('arflow.org_id');
  v_upto bigint;
  n bigint;
BEGIN
  IF p_before > now() - interval '30 days' THEN
    RAISE EXCEPTION 'nothing younger than 30 days is taken away';
  END IF;
  CASE p_table
  WHEN 'commands' THEN
    DELETE FROM commands WHERE org_id = v_org AND id IN
      (SELECT id FROM commands WHERE org_id = v_org AND state <> 'pending' AND finished_at < p_before LIMIT p_most);
  WHEN 'webhook_deliveries' THEN
    DELETE FROM webhook_deliveries WHERE org_id = v_org AND id IN
      (SELECT id FROM webhook_deliveries WHERE org_id = v_org AND status <> 'PENDING' AND created_at < p_before LIMIT p_most);
  WHEN 'approval_tokens' THEN
    DELETE FROM approval_tokens WHERE org_id = v_org AND id IN
      (SELECT id FROM approval_tokens WHERE org_id = v_org AND expires_at < p_before LIMIT p_most);
  WHEN 'proposals' THEN
    DELETE FROM proposals WHERE org_id = v_org AND id IN
      (SELECT id FROM proposals WHERE org_id = v_org AND coalesce(ended_at, expires_at) < p_before LIMIT p_most);
  WHEN 'outbox_events' THEN
    -- From the oldest on, without a gap, as far as our own readers have come; the newest stays, so that positions go on from it.
    WITH old AS (
      SELECT o.id, o.position, o.at < p_before AND o.position < newest.position AND o.position <= read.position
          AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.org_id = v_org AND d.event_id = o.id AND d.status = 'PENDING')
          AS over
        FROM outbox_events o, (SELECT max(position) AS position FROM outbox_events WHERE org_id = v_org) newest,
          (SELECT coalesce(min(position), 0) AS position FROM outbox_cursors) read
       WHERE o.org_id = v_org AND o.position IS NOT NULL ORDER BY o.position LIMIT p_most),
      stays AS (SELECT min(position) AS position FROM old WHERE NOT over)
    SELECT max(o.position) INTO v_upto FROM old o, stays s WHERE s.position IS NULL OR o.position < s.position;
    IF v_upto IS NULL THEN
      RETURN 0;
    END IF;
    INSERT INTO outbox_horizons (org_id, position) VALUES (v_org, v_upto)
      ON CONFLICT (org_id) DO UPDATE SET position = greatest(outbox_horizons.position, excluded.position);
    DELETE FROM outbox_events WHERE org_id = v_org AND position <= v_upto;
  ELSE
    RAISE EXCEPTION 'records of % are not taken away', p_table;
  END CASE;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;
GRANT EXECUTE ON FUNCTION prune_records(text, timestamptz, int) TO arflow_app;
