-- A hundred thousand changes that wait, over as many masters as asked for: the inbox and the effective view at size.
INSERT INTO customers (org_id, id, legal_entity_id, name, email, name_key, email_key, credit_limit, payment_terms, currency_code)
SELECT %(org)s, 'cust_b' || lpad(n::text, 8, '0'), 'le_us', 'Customer ' || n, 'c' || n || '@example.com', 'customer ' || n,
       'c' || n || '@example.com', 100000, 'NET30', 'USD'
  FROM generate_series(1, %(customers)s) n;;
INSERT INTO customer_entity_overrides (org_id, customer_id, legal_entity_id, fields)
SELECT %(org)s, 'cust_b' || lpad(n::text, 8, '0'), 'le_uk', '{"credit_limit": "80000", "payment_terms": "NET60"}'
  FROM generate_series(1, %(customers)s, 10) n;;
INSERT INTO customer_addresses (org_id, id, customer_id, type, lines, city, country)
SELECT %(org)s, 'addr_b' || lpad(n::text, 8, '0'), 'cust_b' || lpad(n::text, 8, '0'), 'billing', '["1 High St"]', 'Leeds', 'GB'
  FROM generate_series(1, %(customers)s, 2) n;;
INSERT INTO customer_changes (org_id, id, operation, customer_id, legal_entity_id, entities, lane, status, submitted_by, submitted_at,
       command_id, workflow_id, diff, awaiting_step, awaiting_role, awaiting_since, due_at)
SELECT %(org)s, 'chg_b' || lpad(n::text, 8, '0'), 'update', 'cust_b' || lpad((n %% %(customers)s + 1)::text, 8, '0'), 'le_us', '{le_us}',
       'yellow', 'PENDING_APPROVAL', CASE WHEN n %% 4 = 0 THEN 'u_manager' ELSE 'u_clerk' END, now(), 'cmd_b' || n,
       'chg_b' || n || '/CustomerChange', '[{"path": "/notes", "before": null, "after": "x"}]', 1,
       CASE WHEN n %% 2 = 0 THEN 'ar_manager' ELSE 'controller' END, now(), now() + interval '2 days'
  FROM generate_series(1, %(pending)s) n;;
INSERT INTO customer_change_steps (org_id, change_id, round, step, role, status, remind_after, escalate_after, fallback, started_at)
SELECT %(org)s, 'chg_b' || lpad(n::text, 8, '0'), 1, s, CASE s WHEN 1 THEN 'ar_manager' ELSE 'controller' END,
       CASE s WHEN 1 THEN 'PENDING' ELSE 'WAITING' END, '1 day', '2 days', 'cfo', now()
  FROM generate_series(1, %(pending)s) n, generate_series(1, 2) s
