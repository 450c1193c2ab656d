"""Celery's entry points. Each calls one function; what they carry may be lost, late or doubled."""

from __future__ import annotations

from celery import shared_task

from apps.accounts import invitation_mail, password_mail, project_mail, recheck, removal
from apps.accounts.project_dates import follow_dates
from apps.compute.models import VirtualMachine
from apps.core import sql
from workers import engine, operations, quotas, sealing, sweep, sync

OPERATIONS = operations.__name__  # importing them registers them


@shared_task(name="workers.run_job")
def run_job(pk: int) -> None:
    engine.run(pk)


@shared_task(name="workers.sweep")
def sweep_jobs() -> None:
    sweep.wake_due_jobs()


@shared_task(name="workers.sync_hosts")
def sync_hosts() -> None:
    sync.send_host_syncs()


@shared_task(name="workers.sync_host")
def sync_host(pk: int) -> None:
    sync.sync_host(pk)


@shared_task(name="workers.send_mails")
def send_mails() -> None:
    password_mail.send_pending()
    invitation_mail.send_pending()


@shared_task(name="workers.meter_usage")
def meter_usage() -> None:
    quotas.meter_usage()


@shared_task(name="workers.check_quotas")
def check_quotas() -> None:
    quotas.check_quotas()


@shared_task(name="workers.empty_trash")
def empty_trash() -> None:
    sweep.empty_trash()
    sweep.forget_old_rows()


@shared_task(name="workers.close_due")
def close_due() -> None:
    sweep.close_due()
    removal.remove_due()


@shared_task(name="workers.seal_events")
def seal_events() -> None:
    sealing.seal_events()


@shared_task(name="workers.prune_events")
def prune_events() -> None:
    sealing.prune_events()


@shared_task(name="workers.follow_directories")
def follow_directories() -> None:
    sweep.follow_directories()
    sweep.rest_what_was_left()


@shared_task(name="workers.follow_projects")
def follow_projects() -> None:
    for project, _days in follow_dates():
        project_mail.warn(project)


@shared_task(name="workers.refresh_statistics")
def refresh_statistics() -> None:
    sql.refresh_statistics(VirtualMachine._meta.db_table)


@shared_task(name="workers.settle_grants")
def settle_grants() -> None:
    recheck.settle_ended()


@shared_task(name="workers.recheck_grants")
def recheck_grants() -> None:
    recheck.recheck_all()
