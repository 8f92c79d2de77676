"""What waits for people, of every kind of approval: found, and shown alike."""
