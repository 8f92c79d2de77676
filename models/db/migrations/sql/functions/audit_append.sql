-- Appends events to their chains, locking the heads in the order of the subject ids, whatever order they come in.
-- p_events: [{subject_id, actor, action, reason_code?, request_id?, workflow_id?, payload (text)}]
-- A head is locked where it stands and written once.
CREATE OR REPLACE FUNCTION audit_append(p_org text, p_at timestamptz, p_events json) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  e record; v_seq bigint; v_prev bytea; v_salt bytea; v_digest bytea; v_hash bytea;
BEGIN
  FOR e IN SELECT r.* FROM json_array_elements(p_events) WITH ORDINALITY AS x(doc, ord),
           json_to_record(x.doc) AS r(subject_id text, actor text, action text, reason_code text, request_id text,
                                      workflow_id text, payload text)
           ORDER BY r.subject_id COLLATE "C", x.ord
  LOOP
    SELECT h.seq, h.hash INTO v_seq, v_prev FROM audit_heads h
      WHERE h.org_id = p_org AND h.subject_id = e.subject_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      INSERT INTO audit_heads AS h (org_id, subject_id, seq, hash) VALUES (p_org, e.subject_id, 0, '\x')
        ON CONFLICT (org_id, subject_id) DO UPDATE SET seq = h.seq RETURNING h.seq, h.hash INTO v_seq, v_prev;
    END IF;
    v_seq := v_seq + 1;
    v_salt := uuid_send(gen_random_uuid());
    v_digest := sha256(v_salt || convert_to(e.payload, 'UTF8'));
    v_hash := sha256(v_prev || v_digest || convert_to(audit_header(p_org, e.subject_id, v_seq, p_at, e.actor, e.action,
                     e.reason_code, e.request_id, e.workflow_id), 'UTF8'));
    INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, reason_code, request_id, workflow_id,
                              payload, salt, digest, prev_hash, hash)
      VALUES (p_org, e.subject_id, v_seq, p_at, e.actor, e.action, e.reason_code, e.request_id, e.workflow_id,
              e.payload, v_salt, v_digest, v_prev, v_hash);
    UPDATE audit_heads SET seq = v_seq, hash = v_hash WHERE org_id = p_org AND subject_id = e.subject_id;
  END LOOP;
END $$;
