"""Embedded PostgreSQL and Temporal dev server: found or installed, started, supervised."""
