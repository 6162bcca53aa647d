"""`python -m demo`: start the stack, send leads through it, write down what was planted."""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path

from opentelemetry.util.re import parse_env_headers

from demo.driver import STAY_EVERY_S, DriveError, Driver
from demo.faults import FAULTS
from demo.plan import Plan
from demo.stack import Stack, running_stack
from demo.telemetry import Otlp
from demo.truth import Truth

UNREACHABLE = 2
INTERRUPTED = 130


def main() -> int:
    options = _parse(sys.argv[1:])
    otlp = Otlp(
        http_url=options.otlp_http,
        grpc_target=options.otlp_grpc,
        protocol=options.protocol,
        headers=dict(parse_env_headers(options.headers, liberal=True)),
    )
    refusal = otlp.refusal()
    if refusal is not None:
        print(f"demo: cannot send telemetry: {refusal}", file=sys.stderr)
        return UNREACHABLE
    try:
        return asyncio.run(_run(options, otlp))
    except DriveError as exc:
        print(f"demo: {exc}", file=sys.stderr)
        return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--otlp-http", default="http://127.0.0.1:4318", metavar="URL", help="default %(default)s")
    parser.add_argument("--otlp-grpc", default="127.0.0.1:4317", metavar="HOST:PORT", help="default %(default)s")
    parser.add_argument("--protocol", choices=("http", "grpc"), default="http", help="default %(default)s")
    parser.add_argument("--headers", default="", help='OTLP headers, e.g. "authorization=Bearer TOKEN"')
    parser.add_argument(
        "--leads", type=_count, default=240, help=f"{len(FAULTS)} or more plant every fault; default 240"
    )
    parser.add_argument("--rate", type=_rate, default=18.0, help="leads a second; default %(default)g")
    parser.add_argument("--seed", type=int, default=7, help="same seed, same people and faults; default %(default)s")
    parser.add_argument("--truth", type=_writable, default=Path("truth.json"), help="where to write what was planted")
    parser.add_argument("--stay", action="store_true", help="keep sending a lead every few seconds until a signal")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 1_000:
        raise argparse.ArgumentTypeError("between 0 and 1000")
    return rate


def _writable(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


async def _run(options: argparse.Namespace, otlp: Otlp) -> int:
    stopped = _stopped_by_signals()
    with tempfile.TemporaryDirectory(prefix="leadtrace-demo-") as folder:
        async with running_stack(otlp, Path(folder)) as stack:
            print(f"demo: {len(stack.services)} instrumented services up, telemetry to {otlp.destination}", flush=True)
            return await _drive(options, stack, stopped)


def _stopped_by_signals() -> asyncio.Event:
    """Set by the first signal; the second one ends the process the hard way."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stopped


async def _drive(options: argparse.Namespace, stack: Stack, stopped: asyncio.Event) -> int:
    truth = Truth(options.seed, stack.services)
    driver = Driver(stack, truth, leads_per_s=options.rate)
    plan = Plan(options.leads, options.seed)
    try:
        drove = await _unless(stopped, driver.drive(plan))
        truth.finish()
        await stack.flush()
        truth.write(options.truth)
        print(f"demo: wrote {options.truth} with {len(truth.entries)} entries", flush=True)
        if drove and options.stay:
            await _stay(driver, plan, stopped, truth, options.truth)
    finally:
        await driver.close()
    return 0 if drove else INTERRUPTED


async def _stay(driver: Driver, plan: Plan, stopped: asyncio.Event, truth: Truth, path: Path) -> None:
    print(f"demo: a lead every {STAY_EVERY_S:g} s from now on; stop with Ctrl-C", flush=True)
    while await _unless(stopped, asyncio.sleep(STAY_EVERY_S)):
        await _unless(stopped, driver.visit(plan.another()))
        truth.write(path)


async def _unless(stopped: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Do the work, or drop it when a signal comes; True when it was done. Raises what the work raises."""
    doing, stopping = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if doing.done():
        await doing
        return True
    doing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await doing
    return False


if __name__ == "__main__":
    sys.exit(main())
