"""Makes `.venv` from the lock file: `python3 infra/setup/environment.py run|dev`; `browser` brings a browser instead.

Runs before anything is installed, so it is one file of standard library. `run` brings what the product needs, `dev`
also the tools of the gates; `.venv` never loses what it has. A stamp makes the second call a matter of milliseconds.
`browser` looks for the Chromium of the system, for the tests of the page and its screenshots.
"""

import ctypes.util
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "synergy-stamp"
OWN_UV = ROOT / "var" / "setup" / "uv"
UV_VERSION = "0.13.9"
OLDEST_UV = (0, 9)  # older ones can't read the revision of the lock file
OLDEST_PYTHON = (3, 11)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ("chromium", "fonts-inter", "fonts-wqy-microhei", "libatomic1")
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11")


def main() -> None:
    """Bring `.venv` up to date, or say in one sentence what is missing and how to get it."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "dev"
    if wanted == "browser":
        ensure_browser()
        return
    if sys.version_info < OLDEST_PYTHON:
        use_newer_python()
    fingerprint = fingerprint_of_inputs()
    if is_current(fingerprint, wanted):
        return
    began = time.monotonic()
    uv = find_uv() or install_uv()
    say(f"setup: installing the locked packages into .venv ({wanted}); some 400 MB the first time")
    sync(uv, wanted)
    STAMP.write_text(f"{fingerprint} {wanted}\n")
    say(f"setup: .venv is ready after {time.monotonic() - began:.0f} s")


def say(line: str) -> None:
    """Print to standard error: standard output belongs to the command that follows."""
    print(line, file=sys.stderr, flush=True)


def fail(line: str) -> "None":
    """End with a message and status 1."""
    sys.exit(f"setup: {line}")


def use_newer_python() -> None:
    """Start again with a newer interpreter of this machine; none is ever downloaded."""
    for name in NEWER_PYTHONS:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])
    have = ".".join(str(part) for part in sys.version_info[:3])
    fail(
        f"Python 3.11 or newer is needed and python3 is {have}: install one, for example "
        f"`sudo apt install python3.11 python3.11-venv`"
    )


def fingerprint_of_inputs() -> str:
    """Return a hash of what decides the environment: lock, project file, interpreter, place."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_current(fingerprint: str, wanted: str) -> bool:
    """Whether the stamp says that these very inputs are installed, with at least what is wanted."""
    try:
        stamped, has = STAMP.read_text().split()
    except (OSError, ValueError):
        return False
    ready = (VENV / "bin" / "synergy").exists() and (VENV / "bin" / "python").exists()
    return ready and stamped == fingerprint and (has in (wanted, "dev"))


def find_uv() -> "str | None":
    """Return a uv that is there already and new enough."""
    for candidate in (shutil.which("uv"), str(OWN_UV / "bin" / "uv")):
        if candidate and os.access(candidate, os.X_OK) and version_of(candidate) >= OLDEST_UV:
            return candidate
    return None


def version_of(uv: str) -> "tuple[int, ...]":
    """Return the version of a uv, or an empty tuple when it does not run."""
    try:
        shown = subprocess.run([uv, "--version"], capture_output=True, text=True, check=True)
        return tuple(int(part) for part in shown.stdout.split()[1].split(".")[:2])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return ()


def install_uv() -> str:
    """Put the pinned uv into an environment of its own below `var/`."""
    say(f"setup: no uv on PATH: installing uv {UV_VERSION} below var/setup")
    if not can_make_environments():
        install_venv_package()
    run([sys.executable, "-m", "venv", "--clear", str(OWN_UV)], "making an environment for uv")
    pip = [str(OWN_UV / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    run([*pip, "--disable-pip-version-check", f"uv=={UV_VERSION}"], "installing uv")
    return str(OWN_UV / "bin" / "uv")


def can_make_environments() -> bool:
    """Whether `python3 -m venv` works: Debian ships ensurepip in a package of its own."""
    return (
        subprocess.run(
            [sys.executable, "-c", "import ensurepip, venv"], capture_output=True
        ).returncode
        == 0
    )


def install_venv_package() -> None:
    """Install python3-venv by apt as root; as anybody else say the command."""
    install_packages(["python3-venv"], "Python's venv", ", or put uv on PATH")


def ensure_browser() -> None:
    """Install Chromium by apt as root where there is no browser; as anybody else say the command.

    The process that drives it needs libatomic, which a small system lacks.
    """
    driven = not sys.platform.startswith("linux") or ctypes.util.find_library("atomic")
    if not driven or not any(shutil.which(name) for name in BROWSERS):
        install_packages(
            list(BROWSER_PACKAGES), "Chromium, in which the page is tested, or what drives it,", ""
        )


def install_packages(packages: "list[str]", what: str, otherwise: str) -> None:
    """Install packages of the system as root; as anybody else say the command."""
    if shutil.which("apt-get") is None:
        fail(f"{what} is missing: install it with your system's packages{otherwise}")
    if os.geteuid() != 0:
        fail(
            f"{what} is missing. Type `sudo apt install {' '.join(packages)}`{otherwise}, then run "
            "the same command again"
        )
    say(f"setup: {what} is missing: installing {' '.join(packages)} with apt-get")
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run_quietly(["apt-get", "update", "-qq"], "apt-get update", quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    run_quietly(command, "apt-get install", quiet)


def sync(uv: str, wanted: str) -> None:
    """Install what the lock names, with the interpreter that runs this file."""
    environment = dict(os.environ, UV_PYTHON_DOWNLOADS="never", UV_PROJECT_ENVIRONMENT=str(VENV))
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    environment.setdefault("UV_HTTP_TIMEOUT", "120")
    environment.pop("VIRTUAL_ENV", None)
    groups = ["--no-dev", "--inexact"] if wanted == "run" else []
    command = [
        uv,
        "sync",
        "--locked",
        "--python",
        sys.executable,
        "--directory",
        str(ROOT),
        *groups,
    ]
    run(command, "uv sync", environment)


def run_quietly(command: "list[str]", doing: str, environment: "dict[str, str]") -> None:
    """Run a command whose output nobody wants to see unless it fails."""
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        say(done.stdout)
        fail(f"{doing} failed (status {done.returncode}): {' '.join(command)}")


def run(command: "list[str]", doing: str, environment: "dict[str, str] | None" = None) -> None:
    """Run a command with its output on standard error; end when it fails."""
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        fail(f"{doing} failed (status {done.returncode}): {' '.join(command)}")


if __name__ == "__main__":
    main()
