-- The books of (d). The placeholders are filled in by bench/customer_360.py.
INSERT INTO customers (org_id, id, legal_entity_id, name, email, name_key, email_key, currency_code)
  SELECT %(org)s, 'cust_b' || n, 'le_us', 'Customer ' || n, 'b' || n || '@example.com', 'customer ' || n, 'b' || n || '@example.com',
         'USD' FROM generate_series(0, %(size)s - 1) n;;
INSERT INTO invoices (org_id, id, customer_id, legal_entity_id, external_id, reference_key, issue_date, due_date, currency_code,
    total_minor, balance_due_minor, fx_rate, functional_currency, functional_total_minor, functional_balance_minor)
  SELECT %(org)s, 'invoice_b' || n, 'cust_b' || c, 'le_us', 'INV-' || n, 'inv' || n, CURRENT_DATE - (n %% 300 + 1)::int,
         CURRENT_DATE - (n %% 300 + 1)::int + 30, 'USD', v, CASE WHEN open THEN v ELSE 0 END, 1, 'USD', v,
         CASE WHEN open THEN v ELSE 0 END
    FROM (SELECT n, 1000 + n %% 99991 AS v,
            CASE WHEN n < %(heavy)s * 5000 THEN n / 5000 WHEN n < %(heavy)s * 5000 + %(middle)s * 500
              THEN %(heavy)s + (n - %(heavy)s * 5000) / 500 ELSE %(heavy)s + %(middle)s + n %% (%(size)s - %(heavy)s - %(middle)s) END AS c,
            n < %(heavy)s * 5000 + %(middle)s * 500 OR n %% 2 = 0 AS open
          FROM generate_series(0, %(size)s * 10 - 1) n) g;;
INSERT INTO payments (org_id, id, external_id, customer_id, legal_entity_id, bank_account_id, payment_date, amount_minor,
    currency_code, applied_minor, fx_rate, functional_currency, functional_amount_minor, functional_available_minor)
  SELECT %(org)s, 'pay_b' || n, 'P-' || n, 'cust_b' || n %% %(full)s, 'le_us', 'bank_us', CURRENT_DATE - (n %% 200)::int, 5000, 'USD',
         CASE WHEN n %% 10 = 0 THEN 2000 ELSE 5000 END, 1, 'USD', 5000, CASE WHEN n %% 10 = 0 THEN 3000 ELSE 0 END
    FROM generate_series(0, %(full)s * 12 - 1) n;;
INSERT INTO opportunities (org_id, id, customer_id, external_id, name, value_minor, currency_code, stage, close_date, closed,
    created_by, created_at, updated_at)
  SELECT %(org)s, 'opp_b' || n, 'cust_b' || n %% %(full)s, 'O-' || n, 'Opportunity ' || n, n * 100, 'USD', 'Proposal',
         CURRENT_DATE + (n %% 90)::int, n %% 3 = 0, 'bench', now(), now() FROM generate_series(0, %(full)s * 10 - 1) n;;
INSERT INTO quotes (org_id, id, customer_id, external_id, name, value_minor, currency_code, status, expiry_date, closed,
    created_by, created_at, updated_at)
  SELECT %(org)s, 'quote_b' || n, 'cust_b' || n %% %(full)s, 'Q-' || n, 'Quote ' || n, n * 100, 'USD', 'sent',
         CURRENT_DATE + (n %% 90)::int, false, 'bench', now(), now() FROM generate_series(0, %(full)s * 5 - 1) n;;
INSERT INTO orders (org_id, id, customer_id, external_id, value_minor, currency_code, status, ship_date, recent_on,
    created_by, created_at, updated_at)
  SELECT %(org)s, 'order_b' || n, 'cust_b' || n %% %(full)s, 'R-' || n, n * 100, 'USD', 'shipped', CURRENT_DATE - (n %% 90)::int,
         CURRENT_DATE - (n %% 90)::int, 'bench', now(), now() FROM generate_series(0, %(full)s * 30 - 1) n;;
INSERT INTO cases (org_id, id, customer_id, external_id, subject, priority, priority_rank, status, sla_status, sla_due_at, closed,
    created_by, created_at, updated_at)
  SELECT %(org)s, 'case_b' || n, 'cust_b' || n %% %(full)s, 'K-' || n, 'Case ' || n, 'high', 2, 'open', 'on_track',
         now() + (n %% 9 - 3) * interval '1 day', n %% 2 = 0, 'bench', now(), now() FROM generate_series(0, %(full)s * 8 - 1) n;;
INSERT INTO contracts (org_id, id, customer_id, external_id, name, status, renewal_date, notice_days, arr_minor, mrr_minor,
    currency_code, created_by, created_at, updated_at)
  SELECT %(org)s, 'contract_b' || n, 'cust_b' || n %% %(full)s, 'C-' || n, 'Contract ' || n, 'active', CURRENT_DATE + (n %% 700 - 20)::int,
         90, 120000, 10000, 'USD', 'bench', now(), now() FROM generate_series(0, %(full)s * 3 - 1) n;;
INSERT INTO nps_responses (org_id, id, customer_id, external_id, score, surveyed_at, created_by, created_at, updated_at)
  SELECT %(org)s, 'nps_b' || n, 'cust_b' || n %% %(full)s, 'N-' || n, n %% 11, now() - n * interval '1 minute', 'bench', now(), now()
    FROM generate_series(0, %(full)s * 4 - 1) n;;
INSERT INTO activities (org_id, id, customer_id, type, notes, occurred_at, logged_by, created_at)
  SELECT %(org)s, 'act_b' || n, 'cust_b' || n %% %(full)s, 'note', repeat('What was said. ', 8), now() - n * interval '1 minute', 'bench', now()
    FROM generate_series(0, %(full)s * 60 - 1) n
