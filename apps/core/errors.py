"""Why a use case was refused: one class a condition, one stable code each.

Adapters map `code` and `status` in one place (`apps.core.rest`, `apps.portal`); the words a person
reads come from `apps.core.messages`, by code. `place` names where in the request the trouble is
("name", "user_data line 3"); `params` fill the words; neither ever holds a secret.
"""

from __future__ import annotations

from typing import Any


def documentation(code: str) -> str:
    """Where people read what a code means; also the `type` that problem+json asks for."""
    return f"/docs/errors/{code}/"


class CloudError(Exception):
    """Something went wrong that we did not foresee."""

    code = "internal"
    status = 500
    retry = False

    def __init__(self, technical: str = "", *, place: str = "", **params: Any) -> None:
        super().__init__(technical or self.__doc__)
        self.technical = technical
        self.place = place
        self.params = params

    def why(self) -> dict[str, Any] | None:
        """What decided it, as data, where the error is one that has an explanation."""
        return None


class InvalidInput(CloudError):
    """A value cannot be used. `params["reason"]` is a short code that says why."""

    code = "invalid_input"
    status = 422

    def __init__(self, reason: str, *, place: str, **params: Any) -> None:
        super().__init__(f"{place}: {reason}", place=place, reason=reason, **params)


class MalformedRequest(CloudError):
    """The request cannot be read. `params["reason"]` is a short code that says why."""

    code = "malformed_request"
    status = 400

    def __init__(self, reason: str, *, place: str = "", **params: Any) -> None:
        super().__init__(reason, place=place, reason=reason, **params)


class RequestTooLarge(CloudError):
    """The request's body is longer than may be. `params["limit"]` is in bytes."""

    code = "request_too_large"
    status = 413


class NotFound(CloudError):
    """There is no such object, or the actor may not know of it."""

    code = "not_found"
    status = 404


class PermissionDenied(CloudError):
    """The actor may see the object but not do this to it."""

    code = "permission_denied"
    status = 403


class LockedOut(CloudError):
    """Too many logins failed. `params["minutes"]` is how long nobody can try again."""

    code = "locked_out"
    status = 429


class ResourceBusy(CloudError):
    """Another job works on the same object. `params["job"]` is its public id."""

    code = "resource_busy"
    status = 409


class StateConflict(CloudError):
    """The object's state does not allow this."""

    code = "state_conflict"
    status = 409


class ObjectInUse(CloudError):
    """Something else still needs the object. `params` count what."""

    code = "object_in_use"
    status = 409


class AccountDisabled(CloudError):
    """The account, or a domain above it, is disabled or about to be closed. `params["reason"]` says which."""

    code = "account_disabled"
    status = 409


class NameTaken(CloudError):
    """Another object of this kind has this name."""

    code = "name_taken"
    status = 409


class QuotaExceeded(CloudError):
    """The account's own quota does not allow this."""

    code = "quota_exceeded"
    status = 409


class DomainQuotaExceeded(CloudError):
    """A quota above the account is used up; what others use there is not told."""

    code = "domain_quota_exceeded"
    status = 409


class InsufficientCapacity(CloudError):
    """No host can take the machine now. The VM's placement explanation says why."""

    code = "insufficient_capacity"
    status = 409
    explanation: dict[str, Any] | None = None  # see apps.compute.placement.explanation


class TooMany(CloudError):
    """Asked for more often than may be. `params["seconds"]` is when to try again."""

    code = "throttled"
    status = 429


class IdempotencyMismatch(CloudError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_mismatch"
    status = 422


class Conflict(CloudError):
    """A constraint of the database does not allow this. `params["constraint"]` is its name."""

    code = "conflict"
    status = 409


class StorageUnavailable(CloudError):
    """The portal cannot write to the secondary storage."""

    code = "storage_unavailable"
    status = 503
    retry = True


class JobCancelled(CloudError):
    """The job was cancelled."""

    code = "cancelled"
    status = 409


class WorkerLost(CloudError):
    """The workers that tried this step did not come back from it."""

    code = "worker_lost"
    status = 500
