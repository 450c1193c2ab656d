"""`manage.py messages`: bring the catalogues up to date with the code, or say where they are not."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.translations import catalogue
from apps.core.translations.sources import find_messages


class Command(BaseCommand):
    help = "Bring locale/*/LC_MESSAGES/django.po up to date with the code; with --check only judge it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 on a fault")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        messages, faults = find_messages(settings.BASE_DIR)
        for language, _name in settings.LANGUAGES:
            if language == "en":
                continue
            path = catalogue.path_of(settings.BASE_DIR, language)
            if check:
                faults += catalogue.faults_of(path, language, messages)
            else:
                waiting = catalogue.refresh(path, language, messages)
                self.stdout.write(f"{path}: {len(messages)} texts, {waiting} without a translation")
        for fault in faults:
            self.stderr.write(str(fault))
        if faults:
            raise CommandError(f"{len(faults)} faults in what is said to readers")
