"""What one transaction does: lock, ask the rule, write, audit, emit."""
