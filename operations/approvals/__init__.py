"""What people do to whatever is being approved, and what its deadlines do."""
