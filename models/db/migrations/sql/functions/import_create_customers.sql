-- Makes the customers of the rows p_from..p_to that are in order and not in p_except, with the first link of each one's
-- audit chain (set-based: a new chain has no head to lock), its outbox event and the row's outcome. Answers how many; refused
-- (unique_violation of customers) where somebody has one of their keys by now.
CREATE OR REPLACE FUNCTION import_create_customers(p_org text, p_import text, p_from bigint, p_to bigint, p_except bigint[], p_at timestamptz,
                                        p_actor text, p_request text, p_workflow text) RETURNS bigint LANGUAGE sql AS $$
  WITH batch AS MATERIALIZED (
    SELECT * FROM import_rows r
     WHERE r.import_id = p_import AND r.row_no BETWEEN p_from AND p_to AND r.ok AND r.row_no <> ALL (p_except)
  ), made AS (
    INSERT INTO customers (org_id, id, legal_entity_id, external_id, name, email, name_key, email_key, tax_id, tax_id_key, phone, website,
                           billing_email, notes, customer_type, credit_limit, payment_terms, currency_code, tax_code, revenue_account,
                           metadata, import_id, created_at, updated_at)
    SELECT p_org, customer_id, legal_entity_id, external_id, name, email, name_key, email_key, tax_id, tax_id_key, phone, website,
           billing_email, notes, customer_type, credit_limit, payment_terms, currency_code, tax_code, revenue_account,
           coalesce(metadata, '{}'), p_import, p_at, p_at
      FROM batch
    RETURNING 1
  ), related AS MATERIALIZED (
    SELECT customer_id, r.related AS of FROM batch r WHERE r.related IS NOT NULL
  ), addresses AS (
    INSERT INTO customer_addresses (org_id, customer_id, id, type, lines, city, region, postal_code, country)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'addresses')
      AS x(id text, type text, lines jsonb, city text, region text, postal_code text, country text)
  ), contacts AS (
    INSERT INTO customer_contacts (org_id, customer_id, id, name, email, phone, role)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'contacts')
      AS x(id text, name text, email text, phone text, role text)
  ), tiers AS (
    INSERT INTO customer_pricing_tiers (org_id, customer_id, id, item, price, currency_code, min_quantity, max_quantity,
                                        effective_from, effective_to)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'pricing_tiers')
      AS x(id text, item text, price numeric, currency_code text, min_quantity numeric, max_quantity numeric,
           effective_from date, effective_to date)
  ), profiles AS (
    INSERT INTO customer_tax_profiles (org_id, customer_id, id, tax_code, certificate_number, certificate_expires_on,
                                       effective_from, effective_to)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'tax_profiles')
      AS x(id text, tax_code text, certificate_number text, certificate_expires_on date, effective_from date, effective_to date)
  ), dimensions AS (
    INSERT INTO customer_dimensions (org_id, customer_id, id, type, code)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'dimensions') AS x(id text, type text, code text)
  ), paying AS (
    INSERT INTO customer_pays_for (org_id, customer_id, id, paid_customer_id, valid_from, valid_until)
    SELECT p_org, related.customer_id, x.id, x.customer_id, x.valid_from, x.valid_until FROM related, jsonb_to_recordset(of -> 'pays_for')
      AS x(id text, customer_id text, valid_from date, valid_until date)
  ), fixed AS MATERIALIZED (
    -- The header of audit_header() around the subject; and a secret of this batch, from which each event has its own salt.
    SELECT concat(p_org, E'\x1f') AS before, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS secret,
           -- Who is behind it: a customer's own trail tells it without the import's.
           (SELECT ',"submitted_by":' || to_json(i.submitted_by)::text || ',"approved":' || coalesce((SELECT json_agg(json_build_object(
                     'step', s ->> 'step', 'role', s ->> 'role', 'decided_by', s ->> 'decided_by', 'decided_at', s ->> 'decided_at'))
                     FROM jsonb_array_elements(i.steps) s WHERE s ->> 'decided_by' IS NOT NULL)::text, '[]')
              FROM customer_imports i WHERE i.org_id = p_org AND i.id = p_import) AS people,
           concat_ws(E'\x1f', '', '1', to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), p_actor, 'customer.created', '',
                     coalesce(p_request, ''), coalesce(p_workflow, '')) AS after
  ), said AS MATERIALIZED (
    -- concat_ws leaves out what is null: the payload names only what the row has.
    SELECT customer_id AS id, substr(sha256(secret || convert_to(customer_id, 'UTF8')), 1, 16) AS salt,
           before || customer_id || after AS header,
           '{"import_id":"' || p_import || '","row":' || row_no::text || people || ',"after":{' || concat_ws(',',
             '"name":' || to_json(name)::text, '"email":' || to_json(email)::text, '"legal_entity_id":' || to_json(legal_entity_id)::text,
             '"external_id":' || to_json(external_id)::text, '"phone":' || to_json(phone)::text, '"website":' || to_json(website)::text,
             '"billing_email":' || to_json(billing_email)::text, '"tax_id":' || to_json(tax_id)::text, '"notes":' || to_json(notes)::text,
             '"customer_type":' || to_json(customer_type)::text, '"credit_limit":"' || credit_limit::text || '"',
             '"payment_terms":' || to_json(payment_terms)::text, '"currency_code":' || to_json(currency_code)::text,
             '"tax_code":' || to_json(tax_code)::text, '"revenue_account":' || to_json(revenue_account)::text, '"metadata":' || metadata::text,
             '"status":"active"') || '}' || coalesce(',"related":' || r.related::text, '') || '}' AS payload
      FROM batch r, fixed
  ), hashed AS MATERIALIZED (
    SELECT id, salt, payload, header, sha256(salt || convert_to(payload, 'UTF8')) AS digest FROM said
  ), linked AS MATERIALIZED (
    SELECT *, sha256(digest || convert_to(header, 'UTF8')) AS hash FROM hashed
  ), events AS (
    INSERT INTO audit_events (org_id, subject_id, seq, at, actor, action, request_id, workflow_id, payload, salt, digest, prev_hash, hash)
    SELECT p_org, id, 1, p_at, p_actor, 'customer.created', p_request, p_workflow, payload, salt, digest, '', hash
      FROM linked
  ), heads AS (
    INSERT INTO audit_heads (org_id, subject_id, seq, hash) SELECT p_org, id, 1, hash FROM linked
  ), told AS (
    INSERT INTO outbox_events (org_id, id, type, subject, data, at)
    SELECT p_org, 'evt_' || substr(customer_id, 6), 'customer.created', customer_id,
           jsonb_build_object('customer_id', customer_id, 'import_id', p_import, 'version', 1), p_at
      FROM batch
  ), done AS (
    INSERT INTO import_outcomes (import_id, row_no, org_id, outcome, codes, record_id)
    SELECT p_import, row_no, p_org, 'created', warnings, customer_id FROM batch
  )
  SELECT count(*) FROM made
$$;
