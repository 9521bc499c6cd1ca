"""Writes `contract/vectors/*.json`: good and forged packs, and what each must be met with.

Run `python -m contract.make_vectors` from the root of the repository after a change; a test
fails while the committed files lag behind.
"""

from __future__ import annotations

import json
from pathlib import Path

from contract.forged import forged
from contract.good import good, in_order
from contract.packs import DEVICES
from contract.written import malformed, records

HERE = Path(__file__).parent / "vectors"

FILES = {
    "good": ("packs that are taken as they are", good),
    "order": ("packs that are judged by what came before", in_order),
    "forged": ("packs that somebody meddled with", forged),
    "malformed": ("packs that cannot be read", malformed),
    "records": ("packs with a record that is left out, or only looks as if", records),
}


def render() -> dict[str, str]:
    """File name to content; the same on every run."""
    return {
        f"{name}.json": json.dumps(
            {"what": what, "devices": DEVICES, "vectors": make()}, indent=1, allow_nan=False
        )
        + "\n"
        for name, (what, make) in FILES.items()
    }


if __name__ == "__main__":
    for name, text in render().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(f"{name}: {len(json.loads(text)['vectors'])} vectors")
