from tests.workers.fixtures import account, journal, sent

__all__ = ["account", "journal", "sent"]
