-- Appends events to their chains, locking the heads in the order of the subject ids, whatever order they come in.
-- p_events: [{subject_id, actor, action, reason_code?, request_id?, workflow_id?, payload (text)}]
-- Few go as one would think of first: the first event of each subject in one statement, further ones one by one. Many, such as
-- those of a chunk of bank lines, go in one statement altogether, which takes longer to begin: the first event of each subject is
-- chained to its head, each further one to the one before it. What is left in either goes one by one, among it the events of a
-- subject that another transaction began meanwhile.
CREATE OR REPLACE FUNCTION audit_append(p_org text, p_at timestamptz, p_events json) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_few constant bigint := 16; v_all constant bigint := json_array_length(p_events); v_at_once bigint := 1; v_written bigint;
  v_event record; v_begun text[]; v_seq bigint; v_prev bytea; v_salt bytea; v_digest bytea; v_hash bytea;
BEGIN
  IF v_all <= v_few THEN
    WITH e AS MATERIALIZED (
      SELECT r.*, uuid_send(gen_random_uuid()) AS salt FROM (
        SELECT DISTINCT ON (r.subject_id COLLATE "C") r.* FROM json_array_elements(p_events) WITH ORDINALITY AS x(doc, ord),
               json_to_record(x.doc) AS r(subject_id text, actor text, action text, reason_code text, request_id text,
                                          workflow_id text, payload text)
        ORDER BY r.subject_id COLLATE "C", x.ord) r),
    linked AS MATERIALIZED (
      SELECT e.*, sha256(e.salt || convert_to(e.payload, 'UTF8')) AS digest, coalesce(h.seq, 0) + 1 AS seq,
             coalesce(h.hash, '\x') AS prev_hash
        FROM e LEFT JOIN LATERAL (SELECT a.seq, a.hash FROM audit_heads a
                                   WHERE a.org_id = p_org AND a.subject_id = e.subject_id FOR NO KEY UPDATE) h ON true),
    hashed AS MATERIALIZED (
      SELECT n.*, sha256(prev_hash || digest || convert_to(audit_header(p_org, subject_id, seq, p_at, actor, action, reason_code,
                         request_id, workflow_id), 'UTF8')) AS hash FROM linked n),
    heads AS (
      INSERT INTO audit_heads AS h (org_id, subject_id, seq, hash) SELECT p_org, subject_id, seq, hash FROM hashed
        ON CONFLICT (org_id, subject_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash WHERE h.seq = excluded.seq - 1
        RETURNING h.subject_id),
    written AS (
      INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, reason_code, request_id, workflow_id,
                                payload, salt, digest, prev_hash, hash)
        SELECT p_org, subject_id, seq, p_at, actor, action, reason_code, request_id, workflow_id, payload, salt, digest,
               prev_hash, hash
          FROM hashed WHERE subject_id IN (SELECT subject_id FROM heads)
        RETURNING subject_id)
    SELECT coalesce(array_agg(subject_id), '{}'), count(*) INTO v_begun, v_written FROM written;
  ELSE
    WITH RECURSIVE e AS MATERIALIZED (
      SELECT s.*, sha256(s.salt || convert_to(s.payload, 'UTF8')) AS digest FROM (
        SELECT r.*, uuid_send(gen_random_uuid()) AS salt, count(*) OVER (PARTITION BY r.subject_id COLLATE "C") AS events,
               row_number() OVER (PARTITION BY r.subject_id COLLATE "C" ORDER BY x.ord) AS n
          FROM json_array_elements(p_events) WITH ORDINALITY AS x(doc, ord),
               json_to_record(x.doc) AS r(subject_id text, actor text, action text, reason_code text, request_id text,
                                          workflow_id text, payload text)) s),
    linked AS MATERIALIZED (
      SELECT f.*, coalesce(h.seq, 0) + 1 AS seq, coalesce(h.hash, '\x') AS prev_hash
        FROM (SELECT * FROM e WHERE n = 1 ORDER BY subject_id COLLATE "C") f
        LEFT JOIN LATERAL (SELECT a.seq, a.hash FROM audit_heads a
                            WHERE a.org_id = p_org AND a.subject_id = f.subject_id FOR NO KEY UPDATE) h ON true),
    chain AS (
      SELECT subject_id, n, events, seq, prev_hash, sha256(prev_hash || digest || convert_to(audit_header(p_org, subject_id, seq,
             p_at, actor, action, reason_code, request_id, workflow_id), 'UTF8')) AS hash FROM linked
      UNION ALL
      SELECT e.subject_id, e.n, e.events, c.seq + 1, c.hash, sha256(c.hash || e.digest || convert_to(audit_header(p_org,
             e.subject_id, c.seq + 1, p_at, e.actor, e.action, e.reason_code, e.request_id, e.workflow_id), 'UTF8'))
        FROM chain c JOIN e ON e.subject_id = c.subject_id AND e.n = c.n + 1),
    begun AS (
      INSERT INTO audit_heads (org_id, subject_id, seq, hash)
        SELECT p_org, subject_id, seq, hash FROM chain WHERE n = events AND seq = n
        ON CONFLICT DO NOTHING RETURNING subject_id),
    continued AS (
      UPDATE audit_heads h SET seq = c.seq, hash = c.hash FROM chain c
       WHERE h.org_id = p_org AND h.subject_id = c.subject_id AND c.n = c.events AND c.seq > c.n RETURNING h.subject_id),
    written AS (
      INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, reason_code, request_id, workflow_id,
                                payload, salt, digest, prev_hash, hash)
        SELECT p_org, e.subject_id, c.seq, p_at, e.actor, e.action, e.reason_code, e.request_id, e.workflow_id, e.payload, e.salt,
               e.digest, c.prev_hash, c.hash
          FROM chain c JOIN e ON e.subject_id = c.subject_id AND e.n = c.n
         WHERE c.subject_id IN (SELECT subject_id FROM begun UNION ALL SELECT subject_id FROM continued)
        RETURNING subject_id)
    SELECT coalesce(array_agg(subject_id), '{}'), count(*), v_all INTO v_begun, v_written, v_at_once FROM written;
  END IF;
  IF v_written = v_all THEN
    RETURN;
  END IF;
  FOR v_event IN
    SELECT f.* FROM (SELECT r.*, x.ord, row_number() OVER (PARTITION BY r.subject_id ORDER BY x.ord) AS n
                       FROM json_array_elements(p_events) WITH ORDINALITY AS x(doc, ord),
                            json_to_record(x.doc) AS r(subject_id text, actor text, action text, reason_code text,
                                                       request_id text, workflow_id text, payload text)) f
     WHERE f.n > v_at_once OR f.subject_id <> ALL (v_begun) ORDER BY f.subject_id COLLATE "C", f.ord
  LOOP
    SELECT h.seq + 1, h.hash INTO v_seq, v_prev FROM audit_heads h
      WHERE h.org_id = p_org AND h.subject_id = v_event.subject_id FOR NO KEY UPDATE;
    v_salt := uuid_send(gen_random_uuid());
    v_digest := sha256(v_salt || convert_to(v_event.payload, 'UTF8'));
    v_hash := sha256(v_prev || v_digest || convert_to(audit_header(p_org, v_event.subject_id, v_seq, p_at, v_event.actor,
                     v_event.action, v_event.reason_code, v_event.request_id, v_event.workflow_id), 'UTF8'));
    INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, reason_code, request_id, workflow_id,
                              payload, salt, digest, prev_hash, hash)
      VALUES (p_org, v_event.subject_id, v_seq, p_at, v_event.actor, v_event.action, v_event.reason_code, v_event.request_id,
              v_event.workflow_id, v_event.payload, v_salt, v_digest, v_prev, v_hash);
    UPDATE audit_heads SET seq = v_seq, hash = v_hash WHERE org_id = p_org AND subject_id = v_event.subject_id;
  END LOOP;
END $$;
