"""What source and publisher of Kafka share."""

from __future__ import annotations

from confluent_kafka import KafkaError

__all__ = ["DOWN"]

DOWN = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION})  # noqa: SLF001 # names with a bar, and public
"""Codes of faults that only a new client, later, may overcome."""
