-- Webhooks: where an organisation wants its events sent, and what became of each delivery.
CREATE TABLE webhook_endpoints (
  org_id      text NOT NULL REFERENCES organisations,
  id          text NOT NULL,
  url         text NOT NULL,
  event_types text[] NOT NULL DEFAULT '{}',   -- empty: every type
  description text,
  secret      bytea NOT NULL,                 -- signs; shown once
  former_secret bytea,                        -- signs beside it until then: a rotation loses nothing
  former_until  timestamptz,
  status      text NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled', 'deleted')),
  since       bigint NOT NULL,                -- events published later than this position are sent
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, id)
);
CALL arflow_guard('webhook_endpoints', 'SELECT, INSERT, UPDATE');

-- One per event and endpoint, without a copy of the event: what is erased there is erased here.
CREATE TABLE webhook_deliveries (
  org_id          text NOT NULL,
  id              text NOT NULL,
  endpoint_id     text NOT NULL,
  event_id        text NOT NULL,
  event_type      text NOT NULL,
  subject         text NOT NULL,
  position        bigint NOT NULL,
  status          text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED', 'CANCELLED')),
  attempts        int NOT NULL DEFAULT 0,
  replays         int NOT NULL DEFAULT 0,
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,
  response_status int,
  error_code      text,
  delivered_at    timestamptz,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, endpoint_id, event_id),
  FOREIGN KEY (org_id, endpoint_id) REFERENCES webhook_endpoints,
  FOREIGN KEY (org_id, event_id) REFERENCES outbox_events ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (org_id, endpoint_id, subject, position) WHERE status = 'PENDING';
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (org_id, position DESC, id);
CALL arflow_guard('webhook_deliveries', 'SELECT, INSERT, UPDATE');

-- Published events of every organisation to whoever asked for their type. The relay calls it, again after a crash:
-- what has a delivery already gets no second one. Answers which queues (endpoint and subject) have something new.
CREATE FUNCTION webhook_fan_out(p_after bigint, p_upto bigint) RETURNS TABLE (org_id text, endpoint_id text, subject text)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
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
REVOKE ALL ON FUNCTION webhook_fan_out(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION webhook_fan_out(bigint, bigint) TO arflow_app;

CREATE OR REPLACE FUNCTION id_in_other_org(p_id text) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE v_table text; v_found boolean;
BEGIN
  v_table := CASE split_part(p_id, '_', 1)
    WHEN 'cust' THEN 'customers' WHEN 'invoice' THEN 'invoices' WHEN 'pay' THEN 'payments' WHEN 'papp' THEN 'payment_applications'
    WHEN 'cred' THEN 'customer_credits' WHEN 'je' THEN 'journal_entries' WHEN 'recon' THEN 'reconciliations' WHEN 'stmt' THEN 'statements'
    WHEN 'exc' THEN 'exceptions' WHEN 'chg' THEN 'customer_changes' WHEN 'imp' THEN 'customer_imports' WHEN 'act' THEN 'activities'
    WHEN 'opp' THEN 'opportunities' WHEN 'quote' THEN 'quotes' WHEN 'order' THEN 'orders' WHEN 'case' THEN 'cases'
    WHEN 'contract' THEN 'contracts' WHEN 'cont' THEN 'customer_contacts' WHEN 'nps' THEN 'nps_responses'
    WHEN 'whep' THEN 'webhook_endpoints' WHEN 'whdl' THEN 'webhook_deliveries' END;
  IF v_table IS NULL OR to_regclass(v_table) IS NULL THEN RETURN false; END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE id = $1 AND org_id <> current_setting(''arflow.org_id'', true))', v_table)
    INTO v_found USING p_id;
  RETURN v_found;
END $$;
