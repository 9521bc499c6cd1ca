"""Reads `davy.toml`, and says in one line what is wrong with it.

Environment variables (`DAVY_SERVER__PORT`) override the file, and so does a `.env` beside it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from davy.domain.errors import ConfigError, DavyError
from davy.domain.gas import gas as gas_named
from davy.domain.limits import Limits, default_rules
from davy.service.sections import (
    Bridge,
    BrokerSection,
    Data,
    LimitSection,
    LimitsSection,
    LogSection,
    PipelineSection,
    Server,
    StoreSection,
    ZoneSection,
    zone_names,
)


class Config(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="DAVY_", env_nested_delimiter="__"
    )

    server: Server = Server()
    data: Data = Data()
    broker: BrokerSection = BrokerSection()
    log: LogSection = LogSection()
    store: StoreSection = StoreSection()
    pipeline: PipelineSection = PipelineSection()
    bridge: Bridge = Bridge()
    limits: LimitsSection = LimitsSection()
    zones: Annotated[dict[str, ZoneSection], AfterValidator(zone_names)] = Field(
        default_factory=dict, description='How zones vote, as [zones."home.kitchen"].'
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic-settings passes all five)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file; only `DAVY_SECTION__KEY` is meant for us."""
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {
                name: text for name, text in env_settings.env_vars.items() if "__" in name
            }
        return env_settings, dotenv_settings, init_settings

    def site_limits(self) -> Limits:
        """The limits as the domain knows them.

        Raises:
            ConfigError: limits that contradict each other.
        """
        rules = {
            name if name == "temperature" else gas_named(name).name: section.rules()
            for name, section in self.limits.gases.items()
        }
        co_standard = {"en50291": "co-dose-en", "ul2034": "co-dose-ul"}[self.limits.co]
        return Limits(edition=self.limits.edition, co_standard=co_standard, rules=rules)


def load(path: Path | None) -> Config:
    """The configuration in a file; defaults and the environment without one.

    Relative paths are meant from the folder of the file.

    Raises:
        ConfigError: `file [section] key: what, why, what to do`, one line per mistake.
    """
    name = str(path) if path else "environment"
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except OSError as cause:
        raise ConfigError(
            f"{name}: cannot be read ({cause.strerror}); `davy init` writes one"
        ) from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{name}: not TOML: {cause}; correct that line") from cause
    dotenv = path.parent / ".env" if path else None
    try:
        config = Config(_env_file=dotenv, **given)
        config = _anchored(config, path.parent if path else Path())
    except ValidationError as cause:
        lines = [f"{name} {_where(error)}: {_what(error)}" for error in cause.errors()]
        raise ConfigError("\n".join(lines)) from cause
    _check(name, config)
    return config


def _anchored(config: Config, folder: Path) -> Config:
    def anchor(path: Path | None) -> Path | None:
        return None if path is None else folder / path.expanduser()

    data = config.data.model_copy(update={"dir": anchor(config.data.dir)})
    broker = config.broker.model_copy(
        update={
            "certificate": anchor(config.broker.certificate),
            "key": anchor(config.broker.key),
            "binary": anchor(config.broker.binary),
        }
    )
    bridge = config.bridge.model_copy(update={"authority": anchor(config.bridge.authority)})
    return config.model_copy(update={"data": data, "broker": broker, "bridge": bridge})


def _where(error: Any) -> str:
    *sections, key = [str(part) for part in error["loc"]] or [""]
    return f"[{'.'.join(sections)}] {key}" if sections else f"[{key}]"


def _what(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "no such key; see the configuration reference, and look for a typing error"
    given = "" if isinstance(error.get("input"), dict) else f"{error.get('input')!r}: "
    message = error["msg"].removeprefix("Value error, ")
    return f"{given}{message[0].lower()}{message[1:]}; correct it or leave it out"


def _check(name: str, config: Config) -> None:
    """What no single key can tell."""
    broker = config.broker
    if (broker.certificate is None) != (broker.key is None):
        missing = "key" if broker.key is None else "certificate"
        raise ConfigError(
            f"{name} [broker] {missing}: TLS needs a certificate and its key; give both or none"
        )
    limits = config.site_limits()
    for gas, section in config.limits.gases.items():
        twice = _given_twice(section)
        if twice:
            raise ConfigError(
                f"{name} [limits.gases.{gas}] {twice}: given in two units; keep one of them"
            )
        try:
            _try_limits(gas, limits)
        except DavyError as cause:
            raise ConfigError(f"{name} [limits.gases.{gas}]: {cause}") from cause


def _given_twice(section: LimitSection) -> str | None:
    levels = [rule.level for rule in section.rules()]
    return next((level for level in levels if levels.count(level) > 1), None)


def _try_limits(name: str, limits: Limits) -> None:
    if name == "temperature":
        limits.check(name, ())
    else:
        known = gas_named(name)
        limits.check(known.name, default_rules(known, limits.co_standard))
        for rule in limits.rules[known.name]:
            rule.setpoint(known, limits.edition)
