-- The floor of (d): the 360 view as one statement, written by hand for this purpose: same tables, same role, same JSON.
SELECT json_build_object(
  'customer', json_build_object('id', c.id, 'href', '/v1/customers/' || c.id, 'name', c.name, 'status', c.status,
    'legal_entity_id', c.legal_entity_id, 'customer_type', c.customer_type, 'payment_terms', c.payment_terms,
    'credit_limit', c.credit_limit::text, 'currency_code', c.currency_code),
  'attention', (SELECT coalesce(json_agg(json_build_object(
      'code', CASE WHEN k.renewal_date < CURRENT_DATE THEN 'RENEWAL_MISSED' ELSE 'RENEWAL_IN_NOTICE_WINDOW' END,
      'contract_id', k.id, 'href', '/v1/contracts/' || k.id, 'name', k.name, 'renewal_date', k.renewal_date,
      'days_to_renewal', k.renewal_date - CURRENT_DATE, 'arr_minor', k.arr_minor, 'currency_code', k.currency_code,
      'owner_user', k.owner_user) ORDER BY k.renewal_date, k.id), '[]')
    FROM contracts k WHERE k.org_id = c.org_id AND k.customer_id = c.id AND NOT k.closed AND k.notice_from <= CURRENT_DATE),
  'panels', json_build_object(
    'opportunities', json_build_object('data', (SELECT coalesce(json_agg(json_build_object('id', o.id,
        'href', '/v1/opportunities/' || o.id, 'name', o.name, 'value_minor', o.value_minor, 'currency_code', o.currency_code,
        'stage', o.stage, 'close_date', o.close_date, 'overdue', o.close_date < CURRENT_DATE, 'source', o.source,
        'external_id', o.external_id) ORDER BY o.close_date, o.id), '[]')
      FROM opportunities o WHERE o.org_id = c.org_id AND o.customer_id = c.id AND NOT o.closed)),
    'quotes', json_build_object('data', (SELECT coalesce(json_agg(json_build_object('id', q.id, 'href', '/v1/quotes/' || q.id,
        'name', q.name, 'status', q.status, 'expiry_date', q.expiry_date, 'value_minor', q.value_minor,
        'currency_code', q.currency_code, 'source', q.source, 'external_id', q.external_id) ORDER BY q.expiry_date, q.id), '[]')
      FROM quotes q WHERE q.org_id = c.org_id AND q.customer_id = c.id AND NOT q.closed
        AND (q.expiry_date IS NULL OR q.expiry_date >= CURRENT_DATE))),
    'orders', json_build_object('data', (SELECT coalesce(json_agg(json_build_object('id', o.id, 'href', '/v1/orders/' || o.id,
        'status', o.status, 'ship_date', o.ship_date, 'order_date', o.order_date, 'value_minor', o.value_minor,
        'currency_code', o.currency_code, 'source', o.source, 'external_id', o.external_id) ORDER BY o.recent_on DESC, o.id DESC), '[]')
      FROM (SELECT * FROM orders o WHERE o.org_id = c.org_id AND o.customer_id = c.id
            ORDER BY o.recent_on DESC, o.id DESC LIMIT 20) o)),
    'ar_aging', json_build_object('data', (SELECT json_build_object('customer_id', c.id, 'as_of', CURRENT_DATE, 'known_at', NULL,
        'currency_code', coalesce(a.currency_code, e.functional_currency),
        'current_minor', a.b0 + a.b1, 'days_30_minor', a.b2, 'days_60_minor', a.b3, 'days_90plus_minor', a.b4,
        'not_due_minor', a.b0, 'overdue_1_29_minor', a.b1, 'total_minor', a.total, 'unapplied_minor', m.unapplied,
        'credits_minor', m.credits, 'credit_notes_minor', n.notes,
        'net_minor', a.total - m.unapplied - m.credits - n.notes, 'disputed_minor', a.disputed,
        'invoices', (SELECT coalesce(json_agg(json_build_object('id', i.id, 'href', '/v1/invoices/' || i.id,
            'external_id', i.external_id, 'legal_entity_id', i.legal_entity_id, 'status', i.status, 'issue_date', i.issue_date,
            'due_date', i.due_date, 'days_past_due', greatest(CURRENT_DATE - i.due_date, 0),
            'bucket', CASE WHEN CURRENT_DATE - i.due_date < 30 THEN 'current' WHEN CURRENT_DATE - i.due_date < 60 THEN 'days_30'
              WHEN CURRENT_DATE - i.due_date < 90 THEN 'days_60' ELSE 'days_90plus' END,
            'currency_code', i.currency_code, 'total_minor', i.total_minor, 'balance_due_minor', i.balance_due_minor,
            'functional_currency', i.functional_currency, 'functional_balance_minor', i.functional_balance_minor,
            'disputed', i.disputed_at IS NOT NULL, 'disputed_minor', CASE WHEN i.disputed_at IS NULL
              THEN least(i.deducted_minor, i.balance_due_minor) ELSE i.balance_due_minor END) ORDER BY i.due_date, i.issue_date, i.id), '[]')
          FROM (SELECT * FROM invoices i WHERE i.org_id = c.org_id AND i.customer_id = c.id AND i.balance_due_minor > 0
                AND i.voided_at IS NULL AND i.issue_date <= CURRENT_DATE ORDER BY i.due_date, i.issue_date, i.id LIMIT 50) i),
        'by_currency', CASE WHEN a.currency_code IS NULL AND m.currency_code IS NULL THEN '[]'::json ELSE json_build_array(
          json_build_object('currency_code', coalesce(a.currency_code, m.currency_code), 'current_minor', a.b0 + a.b1,
            'days_30_minor', a.b2, 'days_60_minor', a.b3, 'days_90plus_minor', a.b4, 'not_due_minor', a.b0,
            'overdue_1_29_minor', a.b1, 'total_minor', a.total, 'unapplied_minor', m.unapplied, 'credits_minor', m.credits,
            'credit_notes_minor', n.notes, 'net_minor', a.total - m.unapplied - m.credits - n.notes,
            'disputed_minor', a.disputed)) END,
        'recent_payments', (SELECT coalesce(json_agg(json_build_object('id', p.id, 'href', '/v1/customers/' || c.id || '/360/payments/' || p.id, 'status', p.status,
            'payment_date', p.payment_date, 'amount_minor', p.amount_minor, 'unapplied_minor', p.amount_minor - p.applied_minor,
            'currency_code', p.currency_code) ORDER BY p.id DESC), '[]')
          FROM (SELECT * FROM payments p WHERE p.org_id = c.org_id AND p.customer_id = c.id ORDER BY p.id DESC LIMIT 10) p))
      FROM (SELECT min(i.currency_code) AS currency_code, coalesce(sum(i.balance_due_minor), 0)::bigint AS total,
          coalesce(sum(i.balance_due_minor) FILTER (WHERE i.due_date >= CURRENT_DATE), 0)::bigint AS b0,
          coalesce(sum(i.balance_due_minor) FILTER (WHERE CURRENT_DATE - i.due_date BETWEEN 1 AND 29), 0)::bigint AS b1,
          coalesce(sum(i.balance_due_minor) FILTER (WHERE CURRENT_DATE - i.due_date BETWEEN 30 AND 59), 0)::bigint AS b2,
          coalesce(sum(i.balance_due_minor) FILTER (WHERE CURRENT_DATE - i.due_date BETWEEN 60 AND 89), 0)::bigint AS b3,
          coalesce(sum(i.balance_due_minor) FILTER (WHERE CURRENT_DATE - i.due_date >= 90), 0)::bigint AS b4,
          coalesce(sum(CASE WHEN i.disputed_at IS NULL THEN least(i.deducted_minor, i.balance_due_minor)
            ELSE i.balance_due_minor END), 0)::bigint AS disputed
        FROM invoices i WHERE i.org_id = c.org_id AND i.customer_id = c.id AND i.balance_due_minor > 0
          AND i.voided_at IS NULL AND i.issue_date <= CURRENT_DATE) a,
        (SELECT min(p.currency_code) AS currency_code,
           coalesce(sum(p.amount_minor - p.applied_minor - p.credit_held_minor), 0)::bigint AS unapplied,
           coalesce(sum(p.credit_held_minor), 0)::bigint AS credits
         FROM payments p WHERE p.org_id = c.org_id AND p.customer_id = c.id AND p.status IN ('UNAPPLIED', 'PARTIALLY_APPLIED')
           AND p.payment_date <= CURRENT_DATE) m,
        (SELECT coalesce(sum(n.balance_minor), 0)::bigint AS notes
         FROM credit_notes n WHERE n.org_id = c.org_id AND n.customer_id = c.id AND n.balance_minor > 0) n)),
    'cases', json_build_object('data', (SELECT coalesce(json_agg(json_build_object('id', k.id, 'href', '/v1/cases/' || k.id,
        'subject', k.subject, 'priority', k.priority, 'status', k.status,
        'sla_status', CASE WHEN k.sla_due_at < now() THEN 'breached' ELSE k.sla_status END, 'sla_due_at', k.sla_due_at,
        'escalation', (SELECT json_build_object('id', x.id, 'owner_role', x.owner_role, 'reason_code', x.reason_code,
            'escalated_at', x.escalated_at, 'due_at', x.due_at) FROM case_escalations x
          WHERE x.org_id = k.org_id AND x.case_id = k.id AND x.status = 'OPEN'),
        'source', k.source, 'external_id', k.external_id) ORDER BY k.priority_rank, k.sla_due_at, k.id), '[]')
      FROM cases k WHERE k.org_id = c.org_id AND k.customer_id = c.id AND NOT k.closed)),
    'contracts', json_build_object('data', (SELECT coalesce(json_agg(json_build_object('id', k.id, 'href', '/v1/contracts/' || k.id,
        'name', k.name, 'status', k.status, 'renewal_date', k.renewal_date,
        'renewal_risk', CASE WHEN k.renewal_date < CURRENT_DATE THEN 'missed' WHEN k.notice_from <= CURRENT_DATE THEN 'notice_window'
          ELSE 'none' END, 'days_to_renewal', k.renewal_date - CURRENT_DATE, 'notice_from', k.notice_from,
        'arr_minor', k.arr_minor, 'mrr_minor', k.mrr_minor, 'currency_code', k.currency_code, 'owner_user', k.owner_user,
        'source', k.source, 'external_id', k.external_id) ORDER BY k.renewal_date, k.id), '[]')
      FROM contracts k WHERE k.org_id = c.org_id AND k.customer_id = c.id AND NOT k.closed)),
    'nps', json_build_object('data', (SELECT json_build_object('latest', n.score, 'surveyed_at', n.surveyed_at, 'id', n.id,
        'href', '/v1/nps-responses/' || n.id, 'contact_id', n.contact_id, 'source', n.source)
      FROM nps_responses n WHERE n.org_id = c.org_id AND n.customer_id = c.id ORDER BY n.surveyed_at DESC, n.id DESC LIMIT 1)),
    'activities', json_build_object('data', (SELECT coalesce(json_agg(json_build_object('id', a.id, 'href', '/v1/activities/' || a.id,
        'type', a.type, 'notes', a.notes, 'contact_id', a.contact_id, 'occurred_at', a.occurred_at, 'logged_by', a.logged_by,
        'source', a.source, 'external_id', a.external_id)
        ORDER BY a.occurred_at DESC, a.id DESC), '[]')
      FROM (SELECT * FROM activities a WHERE a.org_id = c.org_id AND a.customer_id = c.id
            ORDER BY a.occurred_at DESC, a.id DESC LIMIT 50) a))),
  'as_of', now())::text
FROM customers c JOIN legal_entities e ON e.org_id = c.org_id AND e.id = c.legal_entity_id
WHERE c.org_id = %(org)s AND c.id = %(customer)s
