"""Customers and the changes to them: what one transaction does."""
