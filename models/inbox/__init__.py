"""What waits for people, of every kind of approval."""
