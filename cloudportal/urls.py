"""Where each adapter is mounted."""

urlpatterns: list = []
