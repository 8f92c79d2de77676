"""The shared language: types and pure rules. Imports only the standard library and pydantic (models.db aside)."""
