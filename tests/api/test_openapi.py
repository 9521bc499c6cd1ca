"""The committed description of the API is the one that the server gives."""

from __future__ import annotations

import json

from contract.make_openapi import HERE, render

UNDER_API = {
    "get": "sites zones devices channels channels/{key}/history alarms alarms/{key}/transitions "
    "suspicions quarantine live audit health me users",
    "post": "readings login logout alarms/{key}/ack alarms/{key}/reset alarms/{key}/shelve "
    "alarms/{key}/unshelve alarms/{key}/comment alarms/{key}/out-of-service "
    "alarms/{key}/in-service devices",
}


def test_the_committed_description_is_what_the_server_gives():
    committed = HERE.read_text("utf-8")
    assert committed == render(), "it lags: run python -m contract.make_openapi"


def test_it_describes_every_route_of_the_contract():
    paths = json.loads(render())["paths"]
    for method, names in UNDER_API.items():
        for name in names.split():
            assert method in paths[f"/api/v1/{name}"], name
    assert {"/healthz", "/readyz", "/metrics"} <= paths.keys()


def test_ingest_is_described_with_both_kinds_of_content():
    route = json.loads(render())["paths"]["/api/v1/readings"]["post"]
    assert route["requestBody"]["content"].keys() == {"application/jose", "application/senml+json"}
    assert "202" in route["responses"]
