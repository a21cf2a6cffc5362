"""What can be set, with types, defaults and a sentence each. `runtime.settings` finds the values.

Every model is frozen and refuses names it does not know. A secret is a `SecretStr`: it never
prints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class Section(BaseModel):
    """Rules that every group of settings shares."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class KafkaSettings(Section):
    """The cluster. Without `bootstrap`, `synergy up` starts a broker of its own."""

    bootstrap: str = Field(
        default="", description="Addresses `host:port`, comma-separated; empty: embedded"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to the brokers"
    )
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="", description="Needed with a SASL protocol"
    )
    sasl_username: str = Field(default="", description="User of the SASL login")
    sasl_password: SecretStr = Field(
        default=SecretStr(""), description="Password of the SASL login"
    )
    ssl_ca_location: str = Field(default="", description="File with the certificates to trust")
    ssl_certificate_location: str = Field(
        default="", description="Client certificate, for mutual TLS"
    )
    ssl_key_location: str = Field(default="", description="Key of the client certificate")
    replication: int = Field(default=1, ge=1, description="Replicas of the topics that are created")

    def client(self) -> dict[str, str]:
        """Return librdkafka's settings for this cluster; the password is in clear."""
        values = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password.get_secret_value(),
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.key.location": self.ssl_key_location,
        }
        return {name: value for name, value in values.items() if value}


class RegistrySettings(Section):
    """The schema registry: any that speaks Confluent's REST calls."""

    url: str = Field(default="", description="Address of the registry; empty: embedded")
    username: str = Field(default="", description="User, when the registry asks for one")
    password: SecretStr = Field(default=SecretStr(""), description="Password of that user")


class LedgerSettings(Section):
    """ClickHouse: a server when `url` is set, else the embedded engine in the store process."""

    url: str = Field(
        default="", description="HTTP address of a ClickHouse server; empty: embedded engine"
    )
    database: str = Field(default="synergy", description="Database of the ledger")
    username: str = Field(default="default", description="User on the server")
    password: SecretStr = Field(default=SecretStr(""), description="Password of that user")


class StoreSettings(Section):
    """The store process: ledger sink and REST."""

    host: str = Field(default="127.0.0.1", description="Address the REST server listens on")
    port: int = Field(default=8080, ge=1, le=65535, description="Port the REST server listens on")
    url: str = Field(default="", description="Where clients find it; empty: from host and port")
    names: str = Field(
        default="",
        description="Host names with a dot under which browsers reach it, comma-separated, such as that of a proxy",
    )

    @property
    def address(self) -> str:
        """Address for clients."""
        return self.url or f"http://{self.host}:{self.port}"


class ReadingsSettings(Section):
    """Readings over REST: who may send, and with what a command sends."""

    tokens: SecretStr = Field(
        default=SecretStr(""),
        description="Who may send readings, one a line: `NAME TOKEN *`, or in place of `*` facility ids or "
        "`programme:NAME`; empty: the one token in `var/readings.token`",
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        description="The token that `synergy publish` sends; empty: the one in `var/readings.token`",
    )


class MetricsSettings(Section):
    """Prometheus endpoints, one a process."""

    host: str = Field(default="127.0.0.1", description="Address the metrics are served on")
    port: int = Field(
        default=0, ge=0, le=65535, description="Port of this process's metrics; 0: not served"
    )


class LogSettings(Section):
    """Logs."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe level that is written"
    )
    form: Literal["auto", "console", "json"] = Field(
        default="auto", description="`auto`: for people on a terminal, JSON lines elsewhere"
    )


class EmbeddedSettings(Section):
    """The stack that `synergy up` starts on this machine."""

    jar_cache: Path = Field(
        default=Path("~/.cache/byproduct-synergy/jars"), description="Where Kafka's jars are kept"
    )
    kafka_heap_mb: int = Field(default=256, ge=96, description="Heap of the embedded broker in MB")


class ReplaySettings(Section):
    """The replay of recorded data."""

    speed: float | None = Field(
        default=None,
        gt=0,
        description="Seconds of event time per second; empty: each chapter's own",
    )
    shared: Path = Field(
        default=Path("../shared"),
        description="Folder of reference data; when it is there, its cement and steel plants take part",
    )


class Settings(BaseSettings):
    """Everything that can be set. Made by `runtime.settings.load`, which merges the sources."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, env_prefix="SYNERGY__"
    )

    var: Path = Field(
        default=Path("var"), description="Folder of data, logs, ports and process ids"
    )
    kafka: KafkaSettings = KafkaSettings()
    registry: RegistrySettings = RegistrySettings()
    ledger: LedgerSettings = LedgerSettings()
    store: StoreSettings = StoreSettings()
    readings: ReadingsSettings = ReadingsSettings()
    metrics: MetricsSettings = MetricsSettings()
    logs: LogSettings = LogSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    replay: ReplaySettings = ReplaySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` has merged: it has to know where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)
