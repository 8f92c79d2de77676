-- Positions follow the order in which events were written, also inside one batch of publication.
CREATE OR REPLACE FUNCTION outbox_publish(p_limit int)
  RETURNS TABLE (org_id text, id text, type text, subject text, data jsonb, at timestamptz, "position" bigint)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  WITH picked AS (SELECT p.org_id, p.id, p.seq FROM outbox_events p WHERE p.position IS NULL ORDER BY p.seq LIMIT p_limit FOR UPDATE),
       numbered AS (SELECT k.org_id, k.id, row_number() OVER (ORDER BY k.seq) AS n FROM picked k),
       base AS (SELECT coalesce(max(b.position), 0) AS position FROM outbox_events b)
  UPDATE outbox_events o SET position = base.position + n.n, published_at = clock_timestamp()
    FROM numbered n, base WHERE o.org_id = n.org_id AND o.id = n.id
  RETURNING o.org_id, o.id, o.type, o.subject, o.data, o.at, o.position
$$;
DROP SEQUENCE outbox_position_seq;

ALTER TABLE statement_lines ADD COLUMN value_date date, ADD COLUMN bank_ref text;
CREATE INDEX statement_lines_pending ON statement_lines (org_id, statement_id, line) WHERE status = 'PENDING';
ALTER TABLE remittance_confirmations DROP CONSTRAINT remittance_confirmations_status_check;
ALTER TABLE remittance_confirmations ADD CHECK (status IN ('SENT', 'NO_ADDRESS', 'SWITCHED_OFF'));
CREATE INDEX invoices_open_amount ON invoices (org_id, balance_due_minor, due_date, id) WHERE balance_due_minor > 0 AND voided_at IS NULL;
CREATE INDEX commands_workflow ON commands (org_id, workflow_id) WHERE workflow_id IS NOT NULL;
