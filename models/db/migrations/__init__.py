"""Forward-only migrations in plain SQL, from one baseline; functions beside them."""
