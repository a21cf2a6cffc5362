"""Faust logs in with the settings that the rest of the product uses."""

from __future__ import annotations

import ssl
from pathlib import Path

import faust
import pytest

from runtime.faust_app import faust_app
from runtime.faust_credentials import UnsupportedSecurityError, faust_credentials
from runtime.faust_transport import BatchApp
from runtime.kafka_log import KafkaConnection


def test_a_plain_cluster_needs_no_credentials() -> None:
    assert faust_credentials({}) is None
    assert faust_credentials({"security.protocol": "PLAINTEXT"}) is None


def test_a_sasl_login_over_tls_keeps_user_mechanism_and_protocol() -> None:
    found = faust_credentials(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "plant",
            "sasl.password": "secret",
        }
    )
    assert isinstance(found, faust.SASLCredentials)
    assert (found.username, found.password) == ("plant", "secret")
    assert (found.protocol.value, found.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")
    assert isinstance(found.ssl_context, ssl.SSLContext)


def test_tls_without_a_login_is_possible() -> None:
    found = faust_credentials({"security.protocol": "SSL"})
    assert isinstance(found, faust.SSLCredentials)


def test_a_mechanism_that_faust_lacks_is_named_with_its_setting() -> None:
    with pytest.raises(UnsupportedSecurityError, match=r"kafka\.sasl_mechanism.*MAGIC"):
        faust_credentials({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "MAGIC"})


def test_the_app_of_a_worker_has_them(tmp_path: Path) -> None:
    security = {"security.protocol": "SASL_PLAINTEXT", "sasl.username": "u", "sasl.password": "p"}
    connection = KafkaConnection("127.0.0.1:1", security)
    app: BatchApp = faust_app("g", tmp_path, connection, fetch_min_bytes=1, first_topics=())
    assert isinstance(app.conf.broker_credentials, faust.SASLCredentials)
