"""Customers and the changes to them: types and pure rules."""
