"""Numbered, forward-only migrations in plain SQL."""
