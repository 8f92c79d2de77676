"""What needs a person: whose it is, why, and until when."""
