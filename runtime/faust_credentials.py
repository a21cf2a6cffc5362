"""The cluster's TLS and SASL settings, as Faust wants them: the same settings that librdkafka gets."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import faust
from faust.types.auth import CredentialsT


class UnsupportedSecurityError(Exception):
    """Faust can't log in the way that the settings ask for."""

    def __init__(self, name: str, value: str) -> None:
        super().__init__(f"{name}: the stream processors can't use {value!r}")
        self.name = name
        self.value = value


def faust_credentials(security: Mapping[str, str]) -> CredentialsT | None:
    """Return the credentials of a cluster, or None when it asks for none.

    Args:
        security: librdkafka's keys: `security.protocol`, `sasl.*`, `ssl.*`; paths of PEM files.

    Raises:
        UnsupportedSecurityError: the mechanism is one that Faust does not have.
        OSError, ssl.SSLError: a certificate or key can't be read.
    """
    protocol = security.get("security.protocol", "PLAINTEXT")
    context = _context(security) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        mechanism = security.get("sasl.mechanism", "PLAIN")
        try:
            return faust.SASLCredentials(
                username=security.get("sasl.username"),
                password=security.get("sasl.password"),
                mechanism=mechanism,
                ssl_context=context,
            )
        except ValueError as error:
            raise UnsupportedSecurityError("kafka.sasl_mechanism", mechanism) from error
    return None if context is None else faust.SSLCredentials(context)


def _context(security: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=security.get("ssl.ca.location"))
    certificate = security.get("ssl.certificate.location")
    if certificate is not None:
        context.load_cert_chain(certificate, security.get("ssl.key.location"))
    return context
