-- A seal stores the heads that moved since they were last sealed: what was sealed of a subject is found by it.
CREATE INDEX audit_seal_heads_subject ON audit_seal_heads (org_id, subject_id, seq);
