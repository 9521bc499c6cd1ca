"""The one place that joins ports to adapters and stages to a pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable

from davy.domain.plan import Plan
from davy.domain.site import Vote
from davy.pipeline.annunciate import Annunciate
from davy.pipeline.calibrate import Calibrate
from davy.pipeline.detect import Detect
from davy.pipeline.dose import Dose
from davy.pipeline.exposure import Exposure
from davy.pipeline.silence import Silence
from davy.pipeline.stage import Pipeline
from davy.pipeline.validate import Validate
from davy.pipeline.vote import Vote as Voting
from davy.service.access import Access
from davy.service.config import Config
from davy.service.enrolment import Enrolment
from davy.service.live import Live
from davy.service.replica import Build
from davy.service.running import Running
from davy.service.sections import PipelineSection
from davy.service.station import Station, StationSettings
from davy.store.port import Store
from davy.store.sqlite import Sqlite, Synchronous
from davy.store.words import Retention

DATABASE = "davy.db"
_DAY_S = 86_400.0


def pipeline_of(section: PipelineSection) -> Build:
    """What makes the stages of a plan, in order."""

    def build(plan: Plan) -> Pipeline:
        return Pipeline(
            (
                Validate(plan.channel_count, section.future_s, section.late_s),
                Silence.of(plan),
                Calibrate.of(plan),
                Exposure.of(plan),
                Dose.of(plan),
                Detect.of(plan),
                Voting.of(plan),
                Annunciate.of(plan),
            )
        )

    return build


def store_of(config: Config, *, read_only: bool = False) -> Store:
    """The database of an installation.

    Raises:
        StoreError: it cannot be opened.
    """
    config.data.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Sqlite(
        config.data.dir / DATABASE,
        synchronous=Synchronous(config.store.synchronous),
        read_only=read_only,
    )


def enrolment_of(config: Config, store: Store) -> Enrolment:
    """Devices, with the limits and votes of the configuration."""
    votes = {
        key: Vote(needed=section.needed, level=section.level)
        for key, section in config.zones.items()
    }
    return Enrolment(store, config.site_limits(), votes)


def compose(config: Config, clock: Callable[[], float] = time.time) -> Running:
    """A Davy that is ready to be started.

    Raises:
        StoreError: the database cannot be opened.
    """
    store = store_of(config)
    station = Station(
        StationSettings(
            data_dir=config.data.dir,
            retention=Retention(
                raw_s=config.store.raw_days * _DAY_S,
                minute_s=config.store.minute_days * _DAY_S,
                hour_s=config.store.hour_days * _DAY_S,
            ),
            snapshot_s=config.pipeline.snapshot_s,
        ),
        store=store,
        build=pipeline_of(config.pipeline),
        live=Live(config.limits.edition),
        access=Access(store, clock, config.server.session_hours * 3600),
        enrolment=enrolment_of(config, store),
        clock=clock,
    )
    return Running(config, station, clock)
