"""A sandbox for programs that are not trusted: no network, named files alone, limits on time, memory and file sizes.

It exists on Linux only: `unshare` (util-linux) gives the program namespaces of its own, in which a few folders are mounted
read-only into an empty root that it cannot leave. It needs no privileges, but a kernel that lets users create namespaces.
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

from bytegolf.errors import ParameterError

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
NAMESPACES = ("--user", "--map-root-user", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
SCRATCH_FOLDER = "/box"  # the only folder that a program may write to, in memory
SCRATCH_SIZE = "64m"


@dataclass(frozen=True)
class Limits:
    """The limits of a program: wall-clock time, address space, and the size of each file that it writes."""

    seconds: float = 3600.0
    memory_bytes: int = 16 << 30  # of address space, of which torch reserves more than it uses
    file_bytes: int = 1 << 30


@dataclass(frozen=True)
class Outcome:
    """The result of a program. `status` is negative if a signal ended it."""

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
    """Run `python ARGUMENTS` in the sandbox, and return its status and output.

    It can import the packages of this process and read the paths `readable`, but sees nothing under the paths `hidden`.
    `environment` is added to a few variables; those of this process are not passed on. With `shows_messages` its stderr
    goes to the user. Without `isolated` it is a process like any other, and only the limits hold.

    Raises ParameterError if it should be isolated and this system has no sandbox.
    """
    command = [sys.executable, *arguments]
    packages = _import_paths()
    variables = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": SCRATCH_FOLDER if isolated else "/nonexistent",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(map(str, packages)),
        **(environment or {}),
    }
    with tempfile.TemporaryDirectory(prefix="bytegolf-") as root:
        if isolated:
            require_sandbox()
            visible = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable), *packages, *readable]
            script = _script(Path(root), [path for path in visible if path.exists()], _compiled_code(), hidden)
            command = ["unshare", *NAMESPACES, "sh", "-ec", script, "sh", *command]
        return _run(command, variables, limits, shows_messages)


def require_sandbox() -> None:
    """Raise ParameterError if this system has no sandbox."""
    try:
        trial = ["unshare", *NAMESPACES, "setpriv", "--no-new-privs", "mount", "-t", "tmpfs", "none", "/mnt"]
        done = subprocess.run(trial, capture_output=True, text=True, check=False)
        why = done.stderr.strip() or f"status {done.returncode}"
        if done.returncode == 0:
            return
    except OSError as error:
        why = f"no {error.filename}"
    problem = f"a sandbox needs Linux with user namespaces and unshare, found {why}; run without it only for code that you trust"
    raise ParameterError("sandbox", problem)


def sandbox_available() -> bool:
    """Return whether this system has a sandbox."""
    try:
        require_sandbox()
    except ParameterError:
        return False
    return True


def _import_paths() -> list[Path]:
    """Return where this process imports from, except the working directory."""
    places = [Path(entry).resolve() for entry in sys.path if entry]
    package_root = Path(__file__).resolve().parents[2]
    return list(dict.fromkeys(path for path in (package_root, *places) if path.exists() and path != Path.cwd()))


def _compiled_code() -> list[Path]:
    """Return the folders in which numba keeps what it compiled of this package. Compiling all of it takes a quarter of a minute."""
    return sorted({path.parent for path in Path(__file__).resolve().parent.rglob("__pycache__/*.nbi")})


def _script(root: Path, visible: Sequence[Path], copied: Sequence[Path], hidden: Sequence[Path]) -> str:
    """Return the shell script that fills an empty root in the new namespaces, and starts the program in it.

    Of `copied` folders, which are inside visible ones, it sees copies that it may change.
    """
    mounted = _paths_to_mount([Path(name) for name in SYSTEM] + [path.absolute() for path in visible])
    lines = [
        f"mount -t tmpfs -o size={SCRATCH_SIZE} box {root}",
        f"mkdir -p {root}{SCRATCH_FOLDER} {root}/dev {root}/proc {root}/tmp",
        *(line for path in mounted for line in _mount_read_only(root, path)),
    ]
    for path in copied:
        inside = shlex.quote(f"{root}{path}")
        lines += [f"mount -t tmpfs -o size={SCRATCH_SIZE} box {inside}", f"cp {shlex.quote(str(path))}/*.nb[ci] {inside}"]
    for name in DEVICES:
        lines += [f"touch {root}{name}", f"mount --bind {name} {root}{name}"]
    for path in (path.resolve() for path in hidden):
        if any(other == path or other in path.parents for other in mounted):
            inside = shlex.quote(f"{root}{path}")
            lines.append(f"mount -t tmpfs -o size=4k,ro none {inside}" if path.is_dir() else f"mount --bind /dev/null {inside}")
    lines += [
        f"mount -t proc proc {root}/proc",
        f"mount -o remount,ro,size={SCRATCH_SIZE} {root}",
        f"mount -t tmpfs -o size={SCRATCH_SIZE} box {root}{SCRATCH_FOLDER}",
        f"cd {root}; pivot_root . tmp; umount -l /tmp; cd {SCRATCH_FOLDER}",
        'exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"',  # or it could make everything writable again
    ]
    return "\n".join(lines)


def _paths_to_mount(paths: Sequence[Path]) -> list[Path]:
    """Return the paths and what links among them lead to, leaving out those inside another."""
    mounted: list[Path] = []
    for path in paths:
        for place in dict.fromkeys((path, path.resolve())):
            if not any(place == other or (other in place.parents and not other.is_symlink()) for other in mounted):
                mounted.append(place)
    return mounted


def _mount_read_only(root: Path, path: Path) -> list[str]:
    """Return the commands that make `path` appear under `root`: a link as a link, anything else mounted."""
    inside = shlex.quote(f"{root}{path}")
    if path.is_symlink():
        folder = shlex.quote(str(Path(f"{root}{path}").parent))
        return [f"mkdir -p {folder}; ln -sfn {shlex.quote(str(path.readlink()))} {inside}"]
    if not path.exists():
        return []
    mount_point = f"mkdir -p {inside}" if path.is_dir() else f"mkdir -p $(dirname {inside}); touch {inside}"
    return [mount_point, f"mount --rbind {shlex.quote(str(path))} {inside}", f"mount -o remount,bind,ro,nosuid,nodev {inside}"]


def _run(command: Sequence[str], environment: dict[str, str], limits: Limits, shows_messages: bool) -> Outcome:
    """Run a command within limits, and kill all its processes when its time is over."""
    import resource  # which not every platform has

    def set_limits() -> None:
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
            preexec_fn=set_limits,
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
