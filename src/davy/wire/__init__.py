"""Bytes to values and back: SenML, signatures, the replay window, topics, log entries."""
