"""Alembic migrations: one file per change of the tables, never edited once released."""

HEAD = "0001"
"""The newest revision; opening a file that has it needs no alembic."""
