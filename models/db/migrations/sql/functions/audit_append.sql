-- Appends events to their chains, locking the heads in the order of the subject ids, whatever order they come in.
-- p_events: [{subject_id, actor, action, reason_code?, request_id?, workflow_id?, payload (text)}]
-- The first event of each subject goes in one statement. What is left goes one by one: further events of a subject, and those
-- of a subject whose first event another transaction wrote meanwhile.
CREATE OR REPLACE FUNCTION audit_append(p_org text, p_at timestamptz, p_events json) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_event record; v_first text[]; v_seq bigint; v_prev bytea; v_salt bytea; v_digest bytea; v_hash bytea;
BEGIN
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
  SELECT coalesce(array_agg(subject_id), '{}') INTO v_first FROM written;
  IF cardinality(v_first) = json_array_length(p_events) THEN
    RETURN;
  END IF;
  FOR v_event IN
    SELECT f.* FROM (SELECT r.*, x.ord, row_number() OVER (PARTITION BY r.subject_id ORDER BY x.ord) AS n
                       FROM json_array_elements(p_events) WITH ORDINALITY AS x(doc, ord),
                            json_to_record(x.doc) AS r(subject_id text, actor text, action text, reason_code text,
                                                       request_id text, workflow_id text, payload text)) f
     WHERE f.n > 1 OR f.subject_id <> ALL (v_first) ORDER BY f.subject_id COLLATE "C", f.ord
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
