-- How many events wait for publication, and for how long the oldest of them.
CREATE OR REPLACE FUNCTION outbox_lag(OUT pending bigint, OUT oldest_seconds double precision)
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::double precision FROM outbox_events WHERE position IS NULL
$$;
GRANT EXECUTE ON FUNCTION outbox_lag() TO arflow_app;
