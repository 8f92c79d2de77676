-- Tenancy, identity of the books, commands, audit chain, outbox, exceptions.
-- Every table carries org_id and row-level security; the application role owns nothing.

CREATE FUNCTION arflow_org() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('arflow.org_id', true) $$;

-- Guards a table: row-level security by organisation, and the grants of the application role.
CREATE PROCEDURE arflow_guard(p_table text, p_privileges text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', p_table);
  EXECUTE format('CREATE POLICY tenant ON %I USING (org_id = (SELECT current_setting(''arflow.org_id'', true)))
                  WITH CHECK (org_id = (SELECT current_setting(''arflow.org_id'', true)))', p_table);
  EXECUTE format('GRANT %s ON %I TO arflow_app', p_privileges, p_table);
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Makes a table append-only for everyone who does not disable its triggers.
CREATE PROCEDURE arflow_append_only(p_table text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', p_table);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', p_table);
END $$;

CREATE TABLE organisations (
  org_id     text PRIMARY KEY CHECK (org_id ~ '^org_[a-z0-9_]{1,60}$'),
  name       text NOT NULL,
  settings   jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CALL arflow_guard('organisations', 'SELECT, UPDATE');

CREATE TABLE legal_entities (
  org_id              text NOT NULL REFERENCES organisations,
  id                  text NOT NULL,
  name                text NOT NULL,
  functional_currency char(3) NOT NULL,
  created_at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id)
);
CALL arflow_guard('legal_entities', 'SELECT, INSERT, UPDATE');

CREATE TABLE bank_accounts (
  org_id          text NOT NULL,
  id              text NOT NULL,
  legal_entity_id text NOT NULL,
  currency_code   char(3) NOT NULL,
  name            text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
);
CALL arflow_guard('bank_accounts', 'SELECT, INSERT, UPDATE');

CREATE TABLE payment_terms (
  org_id text NOT NULL REFERENCES organisations,
  code   text NOT NULL,
  days   int NOT NULL CHECK (days BETWEEN 0 AND 3650),
  PRIMARY KEY (org_id, code)
);
CALL arflow_guard('payment_terms', 'SELECT, INSERT, UPDATE');

-- The chart of accounts. `key` is the name that docs/api.md uses; `code` is the organisation's own number.
CREATE TABLE accounts (
  org_id text NOT NULL REFERENCES organisations,
  key    text NOT NULL,
  code   text NOT NULL,
  name   text NOT NULL,
  kind   text NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'revenue', 'expense')),
  PRIMARY KEY (org_id, key),
  UNIQUE (org_id, code)
);
CALL arflow_guard('accounts', 'SELECT, INSERT, UPDATE');

-- A month is open until a row here says closed. `period` is YYYY-MM.
CREATE TABLE periods (
  org_id    text NOT NULL REFERENCES organisations,
  period    char(7) NOT NULL CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  status    text NOT NULL CHECK (status IN ('open', 'closed')),
  changed_at timestamptz NOT NULL DEFAULT now(),
  changed_by text NOT NULL,
  PRIMARY KEY (org_id, period)
);
CALL arflow_guard('periods', 'SELECT, INSERT, UPDATE');

-- rate = units of quote per one unit of base, in major units.
CREATE TABLE fx_rates (
  org_id     text NOT NULL REFERENCES organisations,
  base       char(3) NOT NULL,
  quote      char(3) NOT NULL,
  rate_date  date NOT NULL,
  rate       numeric NOT NULL CHECK (rate > 0),
  source     text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  recorded_by text NOT NULL,
  PRIMARY KEY (org_id, base, quote, rate_date),
  CHECK (base <> quote)
);
CALL arflow_guard('fx_rates', 'SELECT, INSERT, UPDATE');

-- The request as it was sent: the idempotency record, and what a process works from. Temporal carries only its id.
CREATE TABLE commands (
  org_id      text NOT NULL,
  id          text NOT NULL,
  operation   text NOT NULL,
  path        text NOT NULL,
  idem_key    text NOT NULL,
  key_given   boolean NOT NULL,
  body_hash   text NOT NULL,
  body        jsonb NOT NULL,
  resource_id text,
  subject_id  text,
  customer_id text,
  actor       text NOT NULL,
  roles       text[] NOT NULL,
  entities    text[],
  request_id  text NOT NULL,
  workflow_id text,
  state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'refused')),
  http_status int,
  response    json,
  replayed    boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX commands_key ON commands (org_id, path, idem_key) WHERE state <> 'refused';
CREATE INDEX commands_customer ON commands (org_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX commands_created ON commands (created_at);
CALL arflow_guard('commands', 'SELECT, INSERT, UPDATE, DELETE');

-- The audit trail: a chain per subject. hash = sha256(prev_hash, digest, header); digest = sha256(salt, payload).
-- Salt and payload are erased together; the chain still verifies.
CREATE TABLE audit_heads (
  org_id     text NOT NULL,
  subject_id text NOT NULL,
  seq        bigint NOT NULL,
  hash       bytea NOT NULL,
  PRIMARY KEY (org_id, subject_id)
) WITH (fillfactor = 80);
CALL arflow_guard('audit_heads', 'SELECT, INSERT, UPDATE');

CREATE TABLE audit_events (
  org_id      text NOT NULL,
  subject_id  text NOT NULL,
  seq         bigint NOT NULL,
  id          text NOT NULL,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  reason_code text,
  request_id  text,
  workflow_id text,
  payload     text,
  salt        bytea,
  digest      bytea NOT NULL,
  prev_hash   bytea NOT NULL,
  hash        bytea NOT NULL,
  PRIMARY KEY (org_id, subject_id, seq),
  CHECK ((payload IS NULL) = (salt IS NULL))
);
CREATE INDEX audit_events_at ON audit_events (org_id, at, id);
CREATE INDEX audit_events_actor ON audit_events (org_id, actor, at);
CALL arflow_guard('audit_events', 'SELECT, INSERT');

CREATE FUNCTION audit_events_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.payload IS NULL AND NEW.salt IS NULL
     AND (to_jsonb(NEW) - 'payload' - 'salt') = (to_jsonb(OLD) - 'payload' - 'salt') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit trail is never changed or deleted' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_erase_only();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the hash covers beside the payload's digest and the predecessor; models/audit.py computes the same text.
CREATE FUNCTION audit_header(p_org text, p_subject text, p_seq bigint, p_at timestamptz, p_actor text, p_action text,
                             p_reason text, p_request text, p_workflow text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat_ws(E'\x1f', p_org, p_subject, p_seq::text,
                   to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), p_actor, p_action,
                   coalesce(p_reason, ''), coalesce(p_request, ''), coalesce(p_workflow, ''))
$$;

-- Appends events to their chains, locking the heads in the order of the subject ids, whatever order they come in.
-- p_events: [{subject_id, id, actor, action, reason_code?, request_id?, workflow_id?, payload (text)}]
CREATE FUNCTION audit_append(p_org text, p_at timestamptz, p_events json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  e record; v_seq bigint; v_prev bytea; v_salt bytea; v_digest bytea; v_hash bytea;
BEGIN
  FOR e IN SELECT r.*, x.ord FROM json_array_elements(p_events) WITH ORDINALITY AS x(doc, ord),
           json_to_record(x.doc) AS r(subject_id text, id text, actor text, action text, reason_code text,
                                      request_id text, workflow_id text, payload text)
           ORDER BY r.subject_id COLLATE "C", x.ord
  LOOP
    INSERT INTO audit_heads AS h (org_id, subject_id, seq, hash) VALUES (p_org, e.subject_id, 1, '\x')
      ON CONFLICT (org_id, subject_id) DO UPDATE SET seq = h.seq + 1
      RETURNING h.seq, h.hash INTO v_seq, v_prev;
    v_salt := uuid_send(gen_random_uuid());
    v_digest := sha256(v_salt || convert_to(e.payload, 'UTF8'));
    v_hash := sha256(v_prev || v_digest || convert_to(audit_header(p_org, e.subject_id, v_seq, p_at, e.actor, e.action,
                     e.reason_code, e.request_id, e.workflow_id), 'UTF8'));
    INSERT INTO audit_events (org_id, subject_id, seq, id, at, actor, action, reason_code, request_id, workflow_id,
                              payload, salt, digest, prev_hash, hash)
      VALUES (p_org, e.subject_id, v_seq, e.id, p_at, e.actor, e.action, e.reason_code, e.request_id, e.workflow_id,
              e.payload, v_salt, v_digest, v_prev, v_hash);
    UPDATE audit_heads SET hash = v_hash WHERE org_id = p_org AND subject_id = e.subject_id;
  END LOOP;
END $$;

-- Erases what the events of one subject said (hard delete); who, when, which action and the chain stay.
CREATE FUNCTION audit_erase(p_subject text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE n bigint;
BEGIN
  UPDATE audit_events SET payload = NULL, salt = NULL
    WHERE org_id = current_setting('arflow.org_id', true) AND subject_id = p_subject AND payload IS NOT NULL;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;
REVOKE ALL ON FUNCTION audit_erase(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_erase(text) TO arflow_app;

-- Daily seal of all heads: the loss of a whole chain shows.
CREATE TABLE audit_seals (
  org_id    text NOT NULL,
  sealed_at timestamptz NOT NULL,
  heads     bigint NOT NULL,
  root      bytea NOT NULL,
  PRIMARY KEY (org_id, sealed_at)
);
CALL arflow_guard('audit_seals', 'SELECT, INSERT');
CALL arflow_append_only('audit_seals');
CREATE TABLE audit_seal_heads (
  org_id     text NOT NULL,
  sealed_at  timestamptz NOT NULL,
  subject_id text NOT NULL,
  seq        bigint NOT NULL,
  hash       bytea NOT NULL,
  PRIMARY KEY (org_id, sealed_at, subject_id),
  FOREIGN KEY (org_id, sealed_at) REFERENCES audit_seals
);
CALL arflow_guard('audit_seal_heads', 'SELECT, INSERT');
CALL arflow_append_only('audit_seal_heads');

-- Events for the world outside, written with the change they tell of. `position` is given at publication.
CREATE TABLE outbox_events (
  org_id       text NOT NULL,
  id           text NOT NULL,
  seq          bigint GENERATED ALWAYS AS IDENTITY,
  type         text NOT NULL,
  subject      text NOT NULL,
  data         jsonb NOT NULL,
  at           timestamptz NOT NULL DEFAULT now(),
  position     bigint,
  published_at timestamptz,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX outbox_pending ON outbox_events (seq) WHERE position IS NULL;
CREATE UNIQUE INDEX outbox_position ON outbox_events (org_id, position) WHERE position IS NOT NULL;
CREATE SEQUENCE outbox_position_seq;
CALL arflow_guard('outbox_events', 'SELECT, INSERT');

-- Gives every committed, unpublished event its position. One relay at a time: the advisory lock is the caller's.
CREATE FUNCTION outbox_publish(p_limit int)
  RETURNS TABLE (org_id text, id text, type text, subject text, data jsonb, at timestamptz, "position" bigint)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  UPDATE outbox_events o SET position = nextval('outbox_position_seq'), published_at = clock_timestamp()
    FROM (SELECT p.org_id, p.id FROM outbox_events p WHERE p.position IS NULL ORDER BY p.seq LIMIT p_limit FOR UPDATE) n
    WHERE o.org_id = n.org_id AND o.id = n.id
  RETURNING o.org_id, o.id, o.type, o.subject, o.data, o.at, o.position
$$;
CREATE FUNCTION outbox_lag(OUT pending bigint, OUT oldest_seconds double precision)
  LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::double precision FROM outbox_events WHERE position IS NULL
$$;
REVOKE ALL ON FUNCTION outbox_publish(int), outbox_lag() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox_publish(int), outbox_lag() TO arflow_app;

-- How far each reader of the outbox has come ("reactions": the processes that an event starts).
CREATE TABLE outbox_cursors (
  reader   text PRIMARY KEY,
  position bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON outbox_cursors TO arflow_app;
CREATE FUNCTION outbox_read(p_after bigint, p_limit int)
  RETURNS TABLE (org_id text, id text, type text, subject text, data jsonb, at timestamptz, "position" bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT o.org_id, o.id, o.type, o.subject, o.data, o.at, o.position FROM outbox_events o
   WHERE o.position > p_after ORDER BY o.position LIMIT p_limit
$$;
CREATE INDEX outbox_all_positions ON outbox_events (position) WHERE position IS NOT NULL;
REVOKE ALL ON FUNCTION outbox_read(bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox_read(bigint, int) TO arflow_app;

-- What needs a person: an owner (role or user), a reason code, times, a due time.
CREATE TABLE exceptions (
  org_id      text NOT NULL,
  id          text NOT NULL,
  kind        text NOT NULL,
  reason_code text NOT NULL,
  subject_id  text NOT NULL,
  owner_role  text,
  owner_user  text,
  legal_entity_id text,
  detail      jsonb NOT NULL DEFAULT '{}',
  status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved')),
  created_at  timestamptz NOT NULL DEFAULT now(),
  due_at      timestamptz NOT NULL,
  resolved_at timestamptz,
  resolved_by text,
  resolution_code text,
  note        text,
  PRIMARY KEY (org_id, id),
  CHECK (owner_role IS NOT NULL OR owner_user IS NOT NULL)
);
CREATE UNIQUE INDEX exceptions_one_open ON exceptions (org_id, kind, reason_code, subject_id) WHERE status = 'open';
CREATE INDEX exceptions_list ON exceptions (org_id, status, due_at, id);
CALL arflow_guard('exceptions', 'SELECT, INSERT, UPDATE');

-- For the processes that serve every organisation (relay, verify, schedules): the ids, nothing else.
CREATE FUNCTION all_org_ids() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT org_id FROM organisations ORDER BY org_id
$$;
REVOKE ALL ON FUNCTION all_org_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION all_org_ids() TO arflow_app;

GRANT SELECT ON alembic_version TO arflow_app;
