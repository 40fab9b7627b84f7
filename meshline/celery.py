"""The Celery app, its queues and its beat schedule; a message is only a wake-up."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")

# The broker is a convenience: when it is away or hangs, publishing must give up within a second.
CONNECT_PATIENCE_S = 0.5
ANSWER_PATIENCE_S = 0.8

# The workers sweep by themselves; beat's entry is the fallback, and what the admin shows.
SCHEDULE: dict[str, Any] = {
    "sweep": {
        "task": "orchestration.sweep",
        "schedule": 5.0,
        "options": {"expires": 5, "queue": "sweeps"},
    },
}

app = Celery("meshline")


@signals.setup_logging.connect
def keep_djangos_logging(**_: Any) -> None:
    """Celery configures no logging of its own once somebody listens here."""


def _configure() -> None:
    from django.conf import settings

    app.conf.update(
        broker_url=settings.BROKER_URL,
        broker_connection_timeout=CONNECT_PATIENCE_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_connect_timeout": CONNECT_PATIENCE_S,
            "socket_timeout": ANSWER_PATIENCE_S,
            "socket_keepalive": True,
            "visibility_timeout": 60,
            "max_retries": 0,
        },
        task_publish_retry=False,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue="runs",
        task_routes={"orchestration.sweep": {"queue": "sweeps"}},
        task_create_missing_queues=True,
        task_time_limit=300,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        enable_utc=True,
        timezone="UTC",
        beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
        beat_max_loop_interval=5,
        # Write "last run" at once: the admin and the doctor read it.
        beat_sync_every=1,
        beat_schedule=SCHEDULE,
    )


_configure()
app.autodiscover_tasks()
