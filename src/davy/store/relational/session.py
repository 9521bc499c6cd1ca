"""Transactions on an SQL database: many readers, one writer, one kind of error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from sqlalchemy import Connection


class Session(ABC):
    """What the relational records need of a database; each store fills it in once."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the database throughout.

        Raises:
            StoreError: the database could not be read.
        """

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """The only writing transaction of this moment: whole, or undone.

        Raises:
            StoreError: the database could not be written; nothing was.
        """
