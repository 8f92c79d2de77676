"""Demo data and the walk."""
