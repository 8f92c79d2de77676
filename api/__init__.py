"""The HTTP facade."""
