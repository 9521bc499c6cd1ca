"""`/metrics`: what was received is what was stored plus what was refused, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from davy.service.station import Station


class StationCollector(Collector):
    """Reads the station's own counts when it is asked."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        station = self._station
        meters = station.gateway.meters
        for name, doc, value in (
            ("davy_messages", "Messages that came in.", meters.messages),
            ("davy_packs", "Packs accepted.", meters.packs),
            ("davy_readings", "Readings accepted.", meters.readings),
            ("davy_retransmissions", "Packs that a device sent again.", meters.retransmissions),
            ("davy_redelivered", "Packs that a crash delivered again.", meters.redelivered),
            ("davy_blocks", "Blocks written to the log.", meters.blocks),
        ):
            yield CounterMetricFamily(name, doc, value)
        refused = CounterMetricFamily("davy_refused", "Packs refused.", labels=["reason"])
        for reason, count in sorted(meters.refused.items()):
            refused.add_metric([str(reason)], count)
        yield refused
        bad = CounterMetricFamily("davy_bad_records", "Records left out.", labels=["reason"])
        for reason, count in sorted(meters.bad_records.items()):
            bad.add_metric([str(reason)], count)
        yield bad
        health = station.health_now()
        yield GaugeMetricFamily("davy_lag_seconds", "How far reading is behind.", health.lag_s)
        yield GaugeMetricFamily(
            "davy_store_waiting_readings", "Readings not stored yet.", station.writer.waiting
        )
        yield GaugeMetricFamily(
            "davy_unstored_entries", "Log entries behind the store.", station.unstored
        )
        yield GaugeMetricFamily("davy_watchers", "Open live streams.", station.hub.watchers)
        trouble = GaugeMetricFamily("davy_trouble", "1 while it is wrong.", labels=["what"])
        for one in health.troubles:
            trouble.add_metric([one.what], 1)
        yield trouble
        standing = GaugeMetricFamily("davy_alarms", "Alarms that are not normal.", labels=["kind"])
        alarms = station.live.standing()
        for kind in ("gas", "trouble"):
            standing.add_metric([kind], sum(alarm.kind == kind for alarm in alarms))
        yield standing


def text_of(station: Station) -> bytes:
    """The page that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(StationCollector(station))
    return generate_latest(registry)
