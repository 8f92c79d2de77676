-- What the hash covers beside the payload's digest and the predecessor; models/audit/chain.py computes the same text.
-- STABLE, as what it calls: so it is written into the statement that asks, and not called.
CREATE OR REPLACE FUNCTION audit_header(p_org text, p_subject text, p_seq bigint, p_at timestamptz, p_actor text, p_action text,
                             p_reason text, p_request text, p_workflow text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws(E'\x1f', p_org, p_subject, p_seq::text,
                   to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), p_actor, p_action,
                   coalesce(p_reason, ''), coalesce(p_request, ''), coalesce(p_workflow, ''))
$$;
