"""Drivers: plain Python that acts on hosts. No Django, no Celery, no database."""
