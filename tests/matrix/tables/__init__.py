"""All lines, by area."""

from tests.matrix.line import Line
from tests.matrix.tables import (
    infrastructure,
    machines,
    pages,
    pages_infrastructure,
    pages_machines,
    pages_people,
    pages_tenancy,
    people,
    records,
    rights,
    settings,
    tenancy,
)

AREAS: dict[str, list[Line]] = {
    "machines": machines.LINES,
    "people": people.LINES,
    "tenancy": tenancy.LINES,
    "infrastructure": infrastructure.LINES,
    "records": records.LINES,
    "rights": rights.LINES,
    "settings": settings.LINES,
    "pages": pages.LINES,
    "pages_machines": pages_machines.LINES,
    "pages_people": pages_people.LINES,
    "pages_tenancy": pages_tenancy.LINES,
    "pages_infrastructure": pages_infrastructure.LINES,
}
ALL = [line for lines in AREAS.values() for line in lines]
API = [line for line in ALL if not line.page]
PAGES = [line for line in ALL if line.page]
