"""Bulk imports: types and pure rules."""
