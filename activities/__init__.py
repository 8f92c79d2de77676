"""Thin Temporal activities round operations."""
