"""The arflow command."""
