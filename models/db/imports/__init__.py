"""Bulk imports: its SQL."""
