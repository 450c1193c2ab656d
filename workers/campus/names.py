"""Who and what the campus consists of: Greek and Latin names, as on the first users' sites."""

from __future__ import annotations

REGION = "Demo campus"
ZONES = (
    # name, hosts, prefix of its guest networks
    ("Ζωγράφου", 18, "10.40"),
    ("Πάτρα", 12, "10.50"),
    ("North campus", 10, "10.60"),
)
DOMAINS = {
    "Σχολή Θετικών Επιστημών": ("Τμήμα Φυσικής", "Τμήμα Μαθηματικών", "Εργαστήριο Βιολογίας"),
    "School of Engineering": ("Robotics group", "Computer networks", "Materials laboratory"),
    "Φιλοσοφική Σχολή": ("Ψηφιακές Ανθρωπιστικές", "Linguistics"),
    "Services": ("Βιβλιοθήκη", "IT services", "Teaching rooms"),
}
PEOPLE = (
    # username, full name, the accounts they belong to
    ("epapadopoulou", "Ελένη Παπαδοπούλου", ("Τμήμα Φυσικής",)),
    ("ngeorgiou", "Νίκος Γεωργίου", ("Τμήμα Φυσικής", "Computer networks")),
    ("mdimitriou", "Μαρία Δημητρίου", ("Τμήμα Μαθηματικών",)),
    ("kioannidis", "Κώστας Ιωαννίδης", ("Εργαστήριο Βιολογίας",)),
    ("aschmidt", "Anna Schmidt", ("Robotics group",)),
    ("jmarques", "João Marques", ("Robotics group", "Materials laboratory")),
    ("sokonomou", "Σοφία Οικονόμου", ("Computer networks",)),
    ("lnielsen", "Lærke Nielsen", ("Materials laboratory",)),
    ("dathanasiou", "Δημήτρης Αθανασίου", ("Ψηφιακές Ανθρωπιστικές",)),
    ("ckelly", "Ciarán Kelly", ("Linguistics",)),
    ("vlibrary", "Βασιλική Λαμπροπούλου", ("Βιβλιοθήκη",)),
    ("pmakris", "Πέτρος Μακρής", ("IT services", "Teaching rooms")),
    ("hsaito", "Haruka Saitō", ("IT services",)),
)
TEMPLATES = (
    # name, virtual size in GiB, least memory in MiB
    ("Debian 12", 4, 192),
    ("Ubuntu 24.04", 5, 512),
    ("Rocky Linux 9", 8, 1024),
    ("Φυσική: εργαλεία ανάλυσης", 12, 1024),
)
WORDS = (
    "web",
    "db",
    "build",
    "notebook",
    "Εργαστήριο",
    "Άσκηση",
    "gitlab",
    "compute",
    "Μετρήσεις",
    "archive",
    "sensor-gateway",
    "Ιστοσελίδα",
    "exam",
    "simulation",
    "Αντίγραφο",
)
TAGS: tuple[dict[str, str], ...] = (
    {"course": "ΦΥΣ-101"},
    {"owner": "shared"},
    {"env": "test"},
    {"course": "CS-2040", "env": "lab"},
    {},
)
