"""The tables of `davy.toml`: each key with its default, its unit and a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from davy.domain.errors import DavyError
from davy.domain.gas import Edition
from davy.domain.gas import gas as gas_named
from davy.domain.limits import Rule
from davy.domain.site import NAME

Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A table of the file: unknown keys are refused, so that a typo is not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Section):
    """The web server: dashboard, API and HTTP ingest."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: Port = Field(8080, description="TCP port; 0 means any free port.")
    secure_cookie: bool = Field(
        False, description="Send the session cookie over HTTPS only; set it behind a TLS proxy."
    )
    session_hours: float = Field(
        12.0, gt=0, description="Hours after which a person has to log in again."
    )


class Data(Section):
    """Where things are kept."""

    dir: Path = Field(Path("data"), description="Folder of the database, the log and the run file.")


class BrokerSection(Section):
    """The MQTT broker and log, a `nats-server` that Davy starts itself, or one by URL."""

    host: str = Field("127.0.0.1", description="Address for devices; 0.0.0.0 for all.")
    mqtt_port: Port = Field(1883, description="MQTT port; 0 means any free port.")
    nats_port: Port = Field(0, description="NATS port on loopback; 0 means any free port.")
    url: str = Field("", description="An external NATS instead, as nats://host:4222; empty: none.")
    user: str = Field("", description="User on the external NATS; empty: none.")
    password: str = Field("", description="Its password; better as DAVY_BROKER__PASSWORD.")
    binary: Path | None = Field(None, description="Another nats-server than the packaged one.")
    certificate: Path | None = Field(None, description="TLS certificate for MQTT, PEM.")
    key: Path | None = Field(None, description="Its private key, PEM.")
    sync_s: float = Field(
        120.0,
        ge=0,
        description="Seconds between forced writes to disk: what a power cut may cost. 0 writes "
        "through before each acknowledgement and costs most of the throughput.",
    )
    inbox_mib: int = Field(
        512,
        ge=8,
        description="MiB of packs that may wait for the gateway; beyond it devices keep theirs.",
    )


class LogSection(Section):
    """The log, from which everything can be rebuilt."""

    keep_days: float = Field(7.0, gt=0, description="Days that entries are kept.")
    keep_mib: int = Field(4096, ge=16, description="MiB that it may take; the oldest go first.")
    partitions: int = Field(1, ge=1, le=256, description="Parts that zones are spread over.")


class StoreSection(Section):
    """The database of readings, alarms and people."""

    synchronous: Literal["off", "normal", "full"] = Field(
        "normal",
        description="SQLite's: `normal` may lose the last commits in a power cut (they are "
        "read again from the log), `full` loses none, `off` may lose the database.",
    )
    raw_days: float = Field(90.0, gt=0, description="Days that single readings are kept.")
    minute_days: float = Field(730.0, gt=0, description="Days that minute rollups are kept.")
    hour_days: float = Field(3650.0, gt=0, description="Days that hour rollups are kept.")


class PipelineSection(Section):
    """How readings are judged."""

    future_s: float = Field(
        5.0, gt=0, description="Seconds that a device's clock may run ahead of ours."
    )
    late_s: float = Field(
        120.0, gt=0, description="Seconds after which gas in a reading counts as back-filled."
    )
    snapshot_s: float = Field(
        10.0, gt=0, description="Seconds between snapshots, from which a restart begins."
    )


class Bridge(Section):
    """An MQTT broker that the site runs already; its packs are read with QoS 1."""

    host: str = Field("", description="Its address; empty: there is none.")
    port: Port = Field(1883, description="Its port.")
    user: str = Field("", description="User name; empty: none.")
    password: str = Field("", description="Better as DAVY_BRIDGE__PASSWORD.")
    tls: bool = Field(False, description="Whether to speak TLS to it.")
    authority: Path | None = Field(
        None, description="PEM file of the authority that signed its certificate."
    )
    client_id: str = Field(
        "davy", min_length=1, description="Names the session; another Davy needs another."
    )


class ZoneSection(Section):
    """How a zone votes on its executive action."""

    needed: int = Field(1, ge=1, description="Channels that must agree (the M of MooN).")
    level: Literal["low", "high", "high-high"] = Field(
        "high", description="The alarm level that they must have reached."
    )


class LimitSection(Section):
    """Limits of one gas (or `temperature`); give each in one unit."""

    low_lel: float | None = Field(None, gt=0, le=100, description="Low alarm, %LEL.")
    high_lel: float | None = Field(None, gt=0, le=100, description="High alarm, %LEL.")
    high_high_lel: float | None = Field(None, gt=0, le=100, description="High-high, %LEL.")
    low_ppm: float | None = Field(None, gt=0, description="Low alarm, ppm.")
    high_ppm: float | None = Field(None, gt=0, description="High alarm, ppm.")
    high_high_ppm: float | None = Field(None, gt=0, description="High-high alarm, ppm.")
    high_c: float | None = Field(None, description="High temperature, °C.")
    high_high_c: float | None = Field(None, description="High-high temperature, °C.")
    rise_lel: float | None = Field(None, gt=0, description="Rise within a minute, %LEL.")
    rise_ppm: float | None = Field(None, gt=0, description="Rise within a minute, ppm.")
    rise_c: float | None = Field(None, gt=0, description="Rise within a minute, °C.")
    stel_ppm: float | None = Field(None, gt=0, description="15-minute average, ppm.")
    twa_ppm: float | None = Field(None, gt=0, description="8-hour average, ppm.")
    deadband_percent: float = Field(
        10.0, ge=0, lt=100, description="How far below a limit an alarm ends, % of the limit."
    )
    on_delay_s: float = Field(0.0, ge=0, description="How long before an alarm is announced.")
    off_delay_s: float = Field(0.0, ge=0, description="How long it must be gone to end.")

    def rules(self) -> tuple[Rule, ...]:
        """The limits that are given, as rules."""
        found = []
        for name, value in self:
            level, _, unit = name.rpartition("_")
            if value is None or unit not in _UNITS:
                continue
            found.append(
                Rule(
                    level=level.replace("_", "-"),
                    on=value,
                    unit=_UNITS[unit],
                    deadband=value * self.deadband_percent / 100,
                    on_delay_s=self.on_delay_s,
                    off_delay_s=self.off_delay_s,
                )
            )
        return tuple(found)


_UNITS = {"lel": "%LEL", "ppm": "ppm", "c": "Cel"}


def _known(table: dict[str, LimitSection]) -> dict[str, LimitSection]:
    for name in table:
        if name != "temperature":
            try:
                gas_named(name)
            except DavyError as cause:
                raise ValueError(str(cause)) from cause
    return table


def zone_names(table: dict[str, ZoneSection]) -> dict[str, ZoneSection]:
    for name in table:
        site, _, zone = name.partition(".")
        if not (NAME.fullmatch(site) and NAME.fullmatch(zone)):
            raise ValueError(f'{name!r} is not site.zone; write [zones."home.kitchen"]')
    return table


class LimitsSection(Section):
    """What all limits have in common."""

    edition: Edition = Field(Edition.US, description="Whose LEL a %LEL stands on: us or iec.")
    co: Literal["en50291", "ul2034"] = Field(
        "en50291", description="The standard of the carbon monoxide dose alarm."
    )
    gases: Annotated[dict[str, LimitSection], AfterValidator(_known)] = Field(
        default_factory=dict, description="Own limits, as [limits.gases.methane]."
    )
