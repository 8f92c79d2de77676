-- Everything that a bank says about a line is kept with it and shown, and what may be cut or chopped is known to the
-- matching rule. A line whose text is read better than before is still known by its older identity.
ALTER TABLE statement_lines ADD COLUMN texts jsonb NOT NULL DEFAULT '[]', ADD COLUMN external_id_before text;
