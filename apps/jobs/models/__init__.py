"""Work in flight, what happened, and the seals that hold the record of it together."""

from apps.jobs.models.people import Person
from apps.jobs.models.record import Event
from apps.jobs.models.seals import Sealer, Segment, keys_of_heads
from apps.jobs.models.work import Job, JobLock, JobSlot, JobState

__all__ = ["Event", "Job", "JobLock", "JobSlot", "JobState", "Person", "Sealer", "Segment", "keys_of_heads"]
