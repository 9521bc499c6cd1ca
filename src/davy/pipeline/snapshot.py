"""The states of all stages as bytes and back, so that a restart begins where it left off."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import numpy as np

from davy.pipeline.stage import Pipeline, States


class _Column(msgspec.Struct, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: bytes


_DECODER = msgspec.msgpack.Decoder(dict[str, _Column])


def dump(pipeline: Pipeline, states: States) -> bytes:
    """Every array of every state under `Stage.field`, packed and deflated."""
    columns = {
        f"{type(stage).__name__}.{name}": _Column(array.dtype.str, array.shape, array.tobytes())
        for stage, state in zip(pipeline.stages, states, strict=True)
        for name, array in state._asdict().items()
    }
    return zlib.compress(msgspec.msgpack.encode(columns), 1)


def load(pipeline: Pipeline, data: bytes) -> States:
    """The states that `dump` wrote, in the shape that this pipeline wants.

    A stage or field that the bytes do not know starts afresh, so a newer Davy can read an
    older one's snapshot.
    """
    columns = _DECODER.decode(zlib.decompress(data))

    def read(stage: str, name: str, fresh: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        column = columns.get(f"{stage}.{name}")
        if column is None or np.dtype(column.dtype) != fresh.dtype:
            return fresh
        return np.frombuffer(column.data, column.dtype).reshape(column.shape).copy()

    old = tuple(
        type(fresh)(
            *(read(type(stage).__name__, name, array) for name, array in fresh._asdict().items())
        )
        for stage, fresh in zip(pipeline.stages, pipeline.start(), strict=True)
    )
    return pipeline.carry(old)
