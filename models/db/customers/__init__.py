"""Customers and the changes to them: its SQL."""
