-- What runs with the owner's rights finds its tables in the schema and nowhere else; the application makes none of its own.

-- `arflow verify` compares in these. Its rows are rolled back, never committed; it takes away first what others may have
-- put there. Tables of the schema rather than temporary ones: who may make temporary tables may shadow real ones.
CREATE UNLOGGED TABLE verify_marks (org_id text NOT NULL, entry_id text, digest text, subject_id text, seq bigint, at timestamptz);
CREATE INDEX ON verify_marks (entry_id);
CALL arflow_guard('verify_marks', 'SELECT, INSERT, DELETE');

CREATE UNLOGGED TABLE verify_facts (org_id text NOT NULL, noun text, id text, facts jsonb);
CREATE INDEX ON verify_facts (id);
CALL arflow_guard('verify_facts', 'SELECT, INSERT, DELETE');

CREATE UNLOGGED TABLE verify_erased (org_id text NOT NULL, subject_id text, seq bigint);
CALL arflow_guard('verify_erased', 'SELECT, INSERT, DELETE');

CREATE UNLOGGED TABLE verify_erasures (org_id text NOT NULL, subject_id text, seq bigint);
CREATE INDEX ON verify_erasures (subject_id);
CALL arflow_guard('verify_erasures', 'SELECT, INSERT, DELETE');

CREATE UNLOGGED TABLE verify_seals (org_id text NOT NULL, sealed_at timestamptz, heads bigint, root text, stored bigint,
                                    stored_root text, seq bigint);
CALL arflow_guard('verify_seals', 'SELECT, INSERT, DELETE');

CREATE UNLOGGED TABLE verify_entries (org_id text NOT NULL, id text, source_id text, digest text, created_at timestamptz);
CREATE INDEX ON verify_entries (id);
CALL arflow_guard('verify_entries', 'SELECT, INSERT, DELETE');
