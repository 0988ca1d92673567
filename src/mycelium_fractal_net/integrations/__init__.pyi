from .config import WorkerConfig, load_worker_config
from .messages import Delivery, Event, Job, event_id, read_job
from .outbox import Relay
from .protocols import (
    ConnectionFailedError,
    Connector,
    Publisher,
    PublishRefusedError,
    Secret,
    SecretSource,
    SecretUnavailableError,
    Source,
)
from .registry import kinds, make_publisher, make_source, option_schema
from .replay import back_to, job_event
from .store import EventStore, StoredEvent
from .worker import JobPostponedError, JobRefusedError, Worker

__all__ = [
    "ConnectionFailedError",
    "Connector",
    "Delivery",
    "Event",
    "EventStore",
    "Job",
    "JobPostponedError",
    "JobRefusedError",
    "PublishRefusedError",
    "Publisher",
    "Relay",
    "Secret",
    "SecretSource",
    "SecretUnavailableError",
    "Source",
    "StoredEvent",
    "Worker",
    "WorkerConfig",
    "back_to",
    "event_id",
    "job_event",
    "kinds",
    "load_worker_config",
    "make_publisher",
    "make_source",
    "option_schema",
    "read_job",
]
