"""kill -9 of real Celery workers in the middle of operations on real hosts."""

from __future__ import annotations

import pytest

from tests.cloud import LabCloud
from tests.faults.kills.asked import ASKED, Answer
from tests.faults.kills.work import Watch, audit, kill
from workers import operations
from workers.operation import Operation, PointOfNoReturn

assert operations
pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
STEPS = [
    (kind, step.__name__)
    for kind in ASKED
    for step in Operation.registry[kind].steps
    if step is not PointOfNoReturn and not step.atomic
]
SAMPLE = [("vm.deploy", "CreateVolumes"), ("vm.deploy", "StartMachine"), ("vm.destroy", "ForceOff")]


def kill_in(cloud: LabCloud, kind: str, step: str, *, children_only: bool) -> None:
    """Kill the workers while one of them is inside the step; a job too quick for us is asked again."""
    ask, running_at_the_end = ASKED[kind]
    watch = Watch(cloud.stack)
    for _attempt in range(5):
        answer = ask(cloud)
        job = (answer.get("job") or answer)["id"]
        caught = watch.caught_in(job, step)
        if caught:
            kill(cloud.stack, "short", children_only=children_only)
        ended = cloud.stack.job(answer)
        assert ended["state"] == "done", (ended, cloud.stack.logs())
        audit(cloud, running=running_at_the_end)
        if caught:
            return
        for vm in cloud.stack.get("virtual-machines/")["results"]:
            put_away(cloud, vm)
    pytest.fail(f"{kind} was never seen inside {step}")


def put_away(cloud: LabCloud, vm: Answer) -> None:
    verbs = {"Running": ["destroy", "expunge"], "Stopped": ["destroy", "expunge"], "Destroyed": ["expunge"]}
    for verb in verbs[vm["state"]]:
        assert cloud.stack.job(cloud.stack.post(f"virtual-machines/{vm['id']}/{verb}/"))["state"] == "done"


@pytest.mark.parametrize(("kind", "step"), SAMPLE)
def test_a_worker_killed_inside_a_step_is_followed_by_another(cloud: LabCloud, kind: str, step: str) -> None:
    kill_in(cloud, kind, step, children_only=False)


@pytest.mark.long
@pytest.mark.parametrize("children_only", [False, True], ids=["whole worker", "its processes"])
@pytest.mark.parametrize(("kind", "step"), STEPS)
def test_a_worker_killed_inside_any_step_is_followed_by_another(
    cloud: LabCloud, kind: str, step: str, children_only: bool
) -> None:
    kill_in(cloud, kind, step, children_only=children_only)


def test_ten_deploys_whose_worker_is_killed_in_their_middle_end_as_ten_running_machines(
    cloud: LabCloud,
) -> None:
    """Each of them, at whatever step it is when we look."""
    stack, watch = cloud.stack, Watch(cloud.stack)
    answers = [stack.post("virtual-machines/", cloud.request(f"web-{n}")) for n in range(10)]
    spared, steps = {answer["job"]["id"] for answer in answers}, list[str]()
    while spared and (caught := watch.caught_inside(spared)):
        job, step = caught
        kill(stack, "short", children_only=len(spared) % 3 > 0)
        spared.discard(job)
        steps.append(step)
    for answer in answers:
        ended = stack.job(answer, seconds=180)
        assert ended["state"] == "done", (ended["error"], steps, stack.logs())
    assert len(steps) >= 9, steps
    audit(cloud, running=10)
