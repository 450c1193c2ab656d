"""Wiring. Whoever loads the settings gets the Celery application that they configure."""

from cloudportal.celery import app as celery_app

__all__ = ["celery_app"]
