"""Chains of approval as they are kept."""
