"""What has to be true of the cluster before the first worker starts: topics and schemas."""

from __future__ import annotations

from runtime.setting_types import Settings


def prepare(settings: Settings) -> None:
    """Create the topics and register the schemas."""
    del settings
