-- Gives every committed, unpublished event its position. One relay at a time: the advisory lock is the caller's.
-- Positions follow the order in which events were written, also inside one batch of publication. They go on from the clock in
-- microseconds, so that a database restored to an earlier moment hands no position out again that somebody may have read.
CREATE OR REPLACE FUNCTION outbox_publish(p_limit int)
  RETURNS TABLE (org_id text, id text, type text, subject text, data jsonb, at timestamptz, "position" bigint)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH picked AS (SELECT p.org_id, p.id, p.seq FROM outbox_events p WHERE p.position IS NULL ORDER BY p.seq LIMIT p_limit FOR UPDATE),
       numbered AS (SELECT k.org_id, k.id, row_number() OVER (ORDER BY k.seq) AS n FROM picked k),
       base AS (SELECT greatest(coalesce(max(b.position), 0), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS position
                FROM outbox_events b)
  UPDATE outbox_events o SET position = base.position + n.n, published_at = clock_timestamp()
    FROM numbered n, base WHERE o.org_id = n.org_id AND o.id = n.id
  RETURNING o.org_id, o.id, o.type, o.subject, o.data, o.at, o.position
$$;
GRANT EXECUTE ON FUNCTION outbox_publish(int) TO arflow_app;
