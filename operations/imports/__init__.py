"""Bulk imports: what one transaction does."""
