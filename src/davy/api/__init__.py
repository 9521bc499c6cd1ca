"""HTTP and server-sent events over a `Station`, and nothing else."""

from davy.api.app import create_app

__all__ = ["create_app"]
