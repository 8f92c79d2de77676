"""What travels through Temporal: one input and one result per workflow, activity, update and signal; ids only."""
