"""Names of people in the events of before go into rows of their own."""

import hashlib
import secrets
import uuid

from django.db import migrations
from django.db.models import OuterRef, Subquery


def _person(apps, user_id, words):
    salt = secrets.token_hex(16)
    reference = uuid.UUID(bytes=hashlib.sha256(f"{salt}\n{words}".encode()).digest()[:16])
    model = apps.get_model("jobs", "Person")
    return model.objects.create(user_id=user_id, words=words, salt=salt, reference=reference)


def keep_apart(apps, schema_editor):
    Event = apps.get_model("jobs", "Event")
    for table, column in (("accounts.Account", "account"), ("jobs.Job", "job")):
        rows = apps.get_model(table).objects.filter(pk=OuterRef(f"{column}_id"))
        events = Event.objects.filter(**{f"{column}__isnull": False})
        events.update(**{f"{column}_uuid": Subquery(rows.values("uuid")[:1])})
    people = {}

    def of(user_id, words):
        if (user_id, words) not in people:
            people[user_id, words] = _person(apps, user_id, words)
        return people[user_id, words]

    acted = Event.objects.filter(actor=None, user__isnull=False)
    for user_id, label in list(acted.order_by().values_list("user_id", "actor_label").distinct()):
        acted.filter(user_id=user_id, actor_label=label).update(actor=of(user_id, label), actor_label="")
    users = dict(apps.get_model("accounts.User").objects.values_list("uuid", "pk"))
    about = Event.objects.filter(target_type="user", target_person=None)
    for target, name in list(about.order_by().values_list("target_uuid", "target_name").distinct()):
        person = of(users.get(target), name)
        about.filter(target_uuid=target, target_name=name).update(target_person=person, target_name="")


def put_back(apps, schema_editor):
    Event = apps.get_model("jobs", "Event")
    rows = apps.get_model("jobs", "Person").objects
    for column, text in (("actor", "actor_label"), ("target_person", "target_name")):
        words = rows.filter(pk=OuterRef(f"{column}_id")).values("words")[:1]
        Event.objects.exclude(**{column: None}).update(**{text: Subquery(words)})
    Event.objects.update(actor=None, behalf=None, address=None, target_person=None)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_audit")]
    operations = [migrations.RunPython(keep_apart, put_back)]
