"""Finds the Chromium that the browser tests drive; run as a script with `--install` it installs Debian's when root."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTING = "LEADTRACE_TEST_BROWSER"
COMMAND = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")

#: Headless, and silent: a test's browser talks to nobody but the page.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """The path of a Chromium: the one that LEADTRACE_TEST_BROWSER names, else the first on the PATH."""
    return next(filter(None, map(shutil.which, (os.environ.get(SETTING, ""), *NAMES))), None)


def install() -> None:
    """Install Debian's chromium when root and apt-get is here; says what it does, and never fails by raising."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    print("no Chromium found: installing Debian's, about 100 MB", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in ((apt, "update"), (apt, *COMMAND[1:])):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)


def main(arguments: list[str]) -> int:
    """0 when a browser is there, 1 otherwise, with the one command that mends it."""
    if find() is None and "--install" in arguments:
        install()
    path = find()
    if path is None:
        sudo = "" if os.geteuid() == 0 else "sudo "
        print(f"no Chromium found; run: {sudo}{' '.join(COMMAND)}   (or name one in {SETTING})", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
