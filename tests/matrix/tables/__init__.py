"""All lines, by area."""

from tests.matrix.line import Line
from tests.matrix.tables import infrastructure, machines, people, records, rights, settings, tenancy

AREAS: dict[str, list[Line]] = {
    "machines": machines.LINES,
    "people": people.LINES,
    "tenancy": tenancy.LINES,
    "infrastructure": infrastructure.LINES,
    "records": records.LINES,
    "rights": rights.LINES,
    "settings": settings.LINES,
}
API = [line for lines in AREAS.values() for line in lines]
ALL = API
