"""Running a program that nobody trusts: no network, nothing but the named files to read, limits on time, memory and size of files.

Linux alone: `unshare` (util-linux) gives the program namespaces of its own, in which a few folders are mounted read-only
into an empty root that it cannot leave. No privileges are needed, but a kernel that lets users make namespaces.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bytegolf.errors import InputError

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
NAMESPACES = ("--user", "--map-root-user", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
PLACE = "/box"  # what a program may write, in memory
SCRATCH = "64m"


@dataclass(frozen=True)
class Limits:
    seconds: float = 3600.0
    memory_bytes: int = 16 << 30  # of address space, of which torch reserves more than it uses
    file_bytes: int = 1 << 30


@dataclass(frozen=True)
class Outcome:
    """What became of the program. `status` is negative where a signal ended it."""

    status: int
    stdout: bytes
    stderr: str
    timed_out: bool = False


def run_python(
    arguments: Sequence[str],
    *,
    readable: Sequence[Path] = (),
    hidden: Sequence[Path] = (),
    limits: Limits = Limits(),
    environment: dict[str, str] | None = None,
    isolated: bool = True,
    shows_messages: bool = False,
) -> Outcome:
    """Run `python ARGUMENTS` with the packages of this process and the files `readable`, none of which is under `hidden`.

    Without `isolated` it is a process like any other: only the limits hold. If it `shows_messages`, its messages go to the user.
    Raises InputError where there is no sandbox.
    """
    command = [sys.executable, *arguments]
    inherited = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": PLACE if isolated else "/nonexistent",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    packages = _packages()
    variables = {**inherited, "PYTHONPATH": os.pathsep.join(map(str, packages)), **(environment or {})}
    with tempfile.TemporaryDirectory(prefix="bytegolf-") as root:
        if isolated:
            require_sandbox()
            reads = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable), *packages, *readable]
            script = _script(Path(root), [path for path in reads if path.exists()], hidden)
            command = ["unshare", *NAMESPACES, "sh", "-ec", script, "sh", *command]
        return _run(command, variables, limits, shows_messages)


def require_sandbox() -> None:
    """Raises InputError where this system has none."""
    try:
        trial = ["unshare", *NAMESPACES, "setpriv", "--no-new-privs", "mount", "-t", "tmpfs", "none", "/mnt"]
        done = subprocess.run(trial, capture_output=True, text=True, check=False)
        why = done.stderr.strip() or f"status {done.returncode}"
        if done.returncode == 0:
            return
    except OSError as error:
        why = f"no {error.filename}"
    raise InputError(
        f"sandbox: expected Linux with user namespaces and unshare, found {why}; do without a sandbox for code that you trust alone"
    )


def sandbox_available() -> bool:
    try:
        require_sandbox()
    except InputError:
        return False
    return True


def _packages() -> list[Path]:
    """Where this process imports from: the interpreter's own places are found anyway."""
    places = [Path(entry).resolve() for entry in sys.path if entry]
    package_root = Path(__file__).resolve().parents[2]
    return list(dict.fromkeys(path for path in (package_root, *places) if path.exists() and path != Path.cwd()))


def _script(root: Path, reads: Sequence[Path], hidden: Sequence[Path]) -> str:
    """What a shell does in the new namespaces: fill an empty root, and start the program in it."""
    lines = [f"mount -t tmpfs -o size={SCRATCH} box {root}", f"mkdir -p {root}{PLACE} {root}/dev {root}/proc {root}/tmp"]
    wanted: list[Path] = []
    for path in [Path(name) for name in SYSTEM] + [path.absolute() for path in reads]:
        for place in dict.fromkeys((path, path.resolve())):  # where a link leads has to be there too
            if not any(place == other or (other in place.parents and not other.is_symlink()) for other in wanted):
                wanted.append(place)
    for path in wanted:
        inside, quoted = shlex.quote(f"{root}{path}"), shlex.quote(str(path))
        if path.is_symlink():
            lines.append(f"mkdir -p {shlex.quote(str(Path(f'{root}{path}').parent))}; ln -sfn {shlex.quote(str(path.readlink()))} {inside}")
        elif path.exists():
            lines += [_make(path, inside), f"mount --rbind {quoted} {inside}", f"mount -o remount,bind,ro,nosuid,nodev {inside}"]
    for name in DEVICES:
        lines += [f"touch {root}{name}", f"mount --bind {name} {root}{name}"]
    for path in (path.resolve() for path in hidden):
        if any(other == path or other in path.parents for other in wanted):
            inside = shlex.quote(f"{root}{path}")
            lines.append(f"mount -t tmpfs -o size=4k,ro none {inside}" if path.is_dir() else f"mount --bind /dev/null {inside}")
    lines += [
        f"mount -t proc proc {root}/proc",
        f"mount -o remount,ro,size={SCRATCH} {root}",
        f"mount -t tmpfs -o size={SCRATCH} box {root}{PLACE}",
        f"cd {root}; pivot_root . tmp; umount -l /tmp; cd {PLACE}",
        'exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"',  # or it could make everything writable again
    ]
    return "\n".join(lines)


def _make(path: Path, inside: str) -> str:
    return f"mkdir -p {inside}" if path.is_dir() else f"mkdir -p $(dirname {inside}); touch {inside}"


def _run(command: Sequence[str], environment: dict[str, str], limits: Limits, shows_messages: bool) -> Outcome:
    import resource  # where there is one: not on Windows

    def limited() -> None:
        for kind, value in (
            (resource.RLIMIT_AS, limits.memory_bytes),
            (resource.RLIMIT_FSIZE, limits.file_bytes),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, int(limits.seconds * (os.cpu_count() or 1)) + 1),
        ):
            resource.setrlimit(kind, (value, value))

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=None if shows_messages else err,
            env=environment,
            cwd="/",
            preexec_fn=limited,
            start_new_session=True,
        )
        try:
            child.wait(limits.seconds)
            timed_out = False
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        out.seek(0)
        err.seek(0)
        return Outcome(child.returncode, out.read(), err.read().decode(errors="replace"), timed_out)
