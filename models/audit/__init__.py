"""The audit trail: a chain per subject, and what is answered of it."""
