"""`python -m workers.drivers.simulator PATH ACT ...`: an operator's hand on a simulated cloud."""

from __future__ import annotations

import argparse
import sys
from uuid import UUID

from workers.drivers.errors import DriverError
from workers.drivers.simulator.control import PROFILES, Simulator
from workers.drivers.simulator.faults import ANY_VERB, ERRORS, VERBS


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers.drivers.simulator", description=__doc__)
    parser.add_argument("path", help="state file of the simulated cloud")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("world", help="print every row of the world")
    acts.add_parser("violations", help="print acts that would have cost data; exit 1 if there are any")
    for act, text in (
        ("down", "make a host unreachable"),
        ("up", "make it reachable again"),
        ("crash", "power a host off"),
    ):
        acts.add_parser(act, help=text).add_argument("host", type=UUID)
    for act, text in (
        ("power-off", "power a guest off from inside"),
        ("deaf", "let it ignore shutdown requests"),
    ):
        acts.add_parser(act, help=text).add_argument("machine", type=UUID)
    acts.add_parser("profile", help="set all latencies and durations").add_argument(
        "name", choices=sorted(PROFILES)
    )
    fault = acts.add_parser("fault", help="order a fault")
    fault.add_argument("verb", choices=sorted({*VERBS, ANY_VERB}))
    fault.add_argument("error", choices=sorted(ERRORS))
    fault.add_argument("--host", type=UUID)
    fault.add_argument("--nth", type=int, default=1)
    fault.add_argument("--times", type=int, default=1)
    fault.add_argument("--after", action="store_true", help="strike when the act has taken effect")
    return parser


def main(argv: list[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    try:
        return _perform(Simulator(options.path), options)
    except (DriverError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def _perform(simulator: Simulator, options: argparse.Namespace) -> int:
    match options.act:
        case "world":
            print(simulator.world().describe())
        case "violations":
            violations = simulator.violations()
            for violation in violations:
                print(violation.kind, violation.host, violation.detail)
            return int(bool(violations))
        case "down" | "up":
            simulator.set_reachable(options.host, options.act == "up")
        case "crash":
            simulator.crash_host(options.host)
        case "power-off":
            simulator.power_off(options.machine)
        case "deaf":
            simulator.set_deaf(options.machine)
        case "profile":
            simulator.use_profile(options.name)
        case "fault":
            simulator.order(
                error=options.error,
                verb=options.verb,
                host=options.host,
                nth=options.nth,
                times=options.times,
                when="after" if options.after else "before",
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
