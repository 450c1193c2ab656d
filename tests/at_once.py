"""pytest plugin: what a run says that does not reach its end.

Why a test failed is said when it fails. A run that is asked to end (SIGTERM) stops as by Ctrl-C: it clears
up and gives its summary.
"""

from __future__ import annotations

import signal

import pytest


class AtOnce:
    """Writes what went wrong and where, in a line or two; the whole follows in pytest's summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or not report.failed:
            return
        crash = getattr(report.longrepr, "reprcrash", None)
        why = f"{crash.path}:{crash.lineno}: {crash.message}" if crash else report.longreprtext
        terminal.ensure_newline()
        terminal.write_line(f"FAILED {report.nodeid} ({report.when})\n{why}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(AtOnce(config))
    if not hasattr(config, "workerinput"):  # else one of several processes, which the first one ends
        signal.signal(signal.SIGTERM, signal.default_int_handler)
