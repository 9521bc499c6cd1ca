"""Davy: gas-leak detection that shows gas and keeps readings from harm."""

__version__ = "0.1.0"
