"""Ways out of a sandbox that others have found, as programs that print ESCAPED when they come through."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What of the host an attempt may look for."""

    secret: str
    """A file of the host that everybody may read."""
    marker: str
    """A word in the environment and the command line of a process of the host."""
    process: int
    """Its number."""
    port: int
    """A port of the host's loopback that answers."""
    local: str
    """An abstract local socket of the host."""


Attempt = Callable[[Place], list[str]]
ATTEMPTS: dict[str, Attempt] = {}


def _shell(name: str, text: str) -> None:
    """Add a script; NAME of a place stands for its fields."""

    def words(place: Place) -> list[str]:
        filled = text.replace("MARKER", f"{place.marker[:-1]}[{place.marker[-1]}]")  # not the attempt itself
        for field in ("secret", "process", "port", "local"):
            filled = filled.replace(field.upper(), str(getattr(place, field)))
        return ["bash", "-c", filled]

    assert name not in ATTEMPTS
    ATTEMPTS[name] = words


_PRELUDE = """
import ctypes, fcntl, os, socket, struct, sys, termios
library = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    return library.syscall(*[a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments])
def escaped(result):
    if result: print("ESCAPED", result)
"""


def _python(name: str, text: str) -> None:
    _shell(name, "python3 - <<'END'\n" + _PRELUDE + text + "\nEND")


# mounts and namespaces
_shell("mount a tmpfs", "mount -t tmpfs none /mnt && echo ESCAPED")
_shell("mount proc", "mkdir -p /tmp/p; mount -t proc proc /tmp/p && echo ESCAPED")
_shell("bind mount", "mount --bind / /mnt && echo ESCAPED")
_shell("remount proc/sys writable", "mount -o remount,rw,bind /proc/sys && echo ESCAPED")
_shell("remount a device writable", "mount -o remount,rw,bind /dev/null && echo ESCAPED")
_shell("unmount what hides proc", "for d in /proc/sys /proc/kcore /proc/tty; do umount -l $d && echo ESCAPED; done")
_shell("user namespace, then mount", "unshare -Urm sh -c 'mount -t tmpfs none /mnt && echo ESCAPED'")
_shell("mount namespace", "unshare -m echo ESCAPED")
_shell("network namespace", "unshare -n echo ESCAPED")
_shell("enter the first process's namespaces", "nsenter -t 1 -m -p -n echo ESCAPED")
_shell(
    "enter through own namespace files",
    "for n in mnt user pid net; do nsenter --$n=/proc/self/ns/$n echo ESCAPED; done",
)
_python(
    "clone with a user namespace",
    "pid = call(56, 0x10000000 | 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nescaped(pid > 0)",
)
_python(
    "clone3 with a user namespace", "escaped(call(435, struct.pack('11Q', 0x10000000, 0, 0, 0, 17, *[0] * 6), 88) >= 0)"
)
_python("the new mount calls", "escaped(any(call(n, b'tmpfs', 0, 0) >= 0 for n in (428, 430, 442)))")
_python("pivot_root", "escaped(call(155, b'/', b'/tmp') == 0)")
_python(
    "chroot and walk up",
    "os.makedirs('/tmp/c', exist_ok=True)\nfd = os.open('/', 0)\n"
    "try:\n os.chroot('/tmp/c'); os.fchdir(fd)\n for _ in range(50): os.chdir('..')\n os.chroot('.')\n"
    " escaped(os.path.exists('SECRET'))\nexcept OSError: pass",
)

# devices
_shell("make a block device", "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk && echo ESCAPED")
_shell("make a memory device", "mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem && echo ESCAPED")
_shell("change the host's device nodes", "chmod 000 /dev/null && echo ESCAPED; chown 1 /dev/zero && echo ESCAPED")
_shell("remove or replace devices", "rm -f /dev/null /dev/zero && echo ESCAPED; touch /dev/x && echo ESCAPED")
_shell(
    "disks and other devices",
    "ls /dev | grep -E '^(sd|vd|nvme|xvd|dm-|loop|kvm|fuse|net|mem|kmsg|vsock)' && echo ESCAPED",
)
_shell("loop device", "losetup -f /etc/passwd && echo ESCAPED; mount -o loop /etc/passwd /mnt && echo ESCAPED")

# /proc and /sys
_shell("core_pattern", "echo '|/tmp/x' > /proc/sys/kernel/core_pattern && echo ESCAPED")
_shell("modprobe path", "echo /tmp/x > /proc/sys/kernel/modprobe && echo ESCAPED")
_shell("binfmt_misc", "echo ':x:M::x::/tmp/x:' > /proc/sys/fs/binfmt_misc/register && echo ESCAPED")
_shell("allow user namespaces again", "echo 100 > /proc/sys/user/max_user_namespaces && echo ESCAPED")
_shell("host name by proc", "echo owned > /proc/sys/kernel/hostname && echo ESCAPED")
_shell("sysrq", "echo h > /proc/sysrq-trigger && echo ESCAPED")
_shell("kernel memory", "head -c 64 /proc/kcore | grep -q . && echo ESCAPED")
_shell(
    "kernel messages",
    "dmesg 2>/dev/null | grep -q . && echo ESCAPED; timeout 1 head -c 1 /proc/kmsg | grep -q . && echo ESCAPED",
)
_shell("kernel addresses", "grep -v '^0000000000000000' /proc/kallsyms | head -1 | grep -q . && echo ESCAPED")
_shell("interrupts", "echo 1 > /proc/irq/default_smp_affinity && echo ESCAPED")
_shell("memory type ranges", "echo disable=0 > /proc/mtrr && echo ESCAPED")
_shell("scsi", "echo x > /proc/scsi/scsi && echo ESCAPED")
_shell("uevent helper", "echo /tmp/x > /sys/kernel/uevent_helper && echo ESCAPED")
_shell("mount sysfs", "mount -t sysfs sysfs /sys && echo ESCAPED; ls /sys | grep -q . && echo ESCAPED")
_shell("user mapping", "echo '0 0 4294967295' > /proc/self/uid_map && echo ESCAPED")

# cgroups
_shell(
    "mount a cgroup",
    "mkdir -p /tmp/g; mount -t cgroup -o memory g /tmp/g && echo ESCAPED; mount -t cgroup2 g /tmp/g && echo ESCAPED",
)
_shell(
    "release agent",
    "mkdir -p /tmp/g; unshare -UrmC sh -c 'mount -t cgroup -o rdma x /tmp/g && echo ESCAPED'"
    "; echo /tmp/x > /tmp/g/release_agent && grep -q '/tmp/g cgroup' /proc/mounts && echo ESCAPED",
)
_shell(
    "raise own limits", "for f in $(find / -xdev -name cgroup.procs 2>/dev/null); do echo $$ > $f && echo ESCAPED; done"
)
_shell("raise a hard limit", "ulimit -H -u 100000 2>/dev/null && ulimit -u 100000 && echo ESCAPED")

# files of the host
_shell("read a host file", "cat SECRET && echo ESCAPED")
_shell("links to a host file", "ln -sf SECRET /tmp/l; cat /tmp/l && echo ESCAPED; ln SECRET /tmp/h && echo ESCAPED")
_shell(
    "roots of processes", "for p in /proc/[0-9]*; do for w in root cwd; do cat $p/$w/SECRET && echo ESCAPED; done; done"
)
_shell(
    "the first process's root",
    "ls /proc/1/root/ && echo ESCAPED; ls /proc/1/cwd/ && echo ESCAPED; readlink /proc/1/exe && echo ESCAPED",
)
_shell(
    "the old root", "ls -d /oldroot /newroot /.oldroot /tmp/upper /tmp/work /.supervisor 2>/dev/null && echo ESCAPED"
)
_shell(
    "mounts tell no paths of the host",
    "grep -E 'SECRET|/home/|\\.cache|agenttuning-nobody' /proc/self/mountinfo && echo ESCAPED",
)
_python(
    "handles of files",
    "handle = struct.pack('Ii', 8, 1) + struct.pack('II', 2, 0) + bytes(120)\n"
    "fd = os.open('/etc', 0)\nescaped(call(304, fd, handle, 0) >= 0)\n"
    "escaped(call(303, -100, b'/etc', bytes(136), bytes(8), 0) >= 0)",
)
_python(
    "inherited descriptors",
    "for name in os.listdir('/proc/self/fd'):\n"
    "  try: target = os.readlink('/proc/self/fd/' + name)\n"
    "  except OSError: continue\n"
    "  escaped(int(name) > 2 and not target.startswith('/proc') and target)\n"
    "  try: escaped(os.path.exists(f'/proc/self/fd/{name}/../../../../../../../SECRET'))\n"
    "  except OSError: pass",
)
_python(
    "climbing out of descriptors with openat",
    "for fd in range(64):\n"
    "  try: escaped(os.stat('../../../../../..SECRET', dir_fd=fd) and fd)\n"
    "  except OSError: pass",
)

# processes of the host, and the supervisor
_shell(
    "see host processes",
    "grep -l MARKER /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -v self | grep -v $$ && echo ESCAPED",
)
_shell("more processes than ours", "[ $(ls -d /proc/[0-9]* | wc -l) -gt 12 ] && echo ESCAPED")
_shell("signal a host process", "kill -0 PROCESS && [ PROCESS -gt 1000 ] && echo ESCAPED")
_shell("environment", "env | grep -E 'MARKER|XDG_|PYTHON|VIRTUAL' && echo ESCAPED")
_shell("environment of the supervisor", "tr '\\0' '\\n' < /proc/1/environ | grep -q . && echo ESCAPED")
_shell(
    "memory of the supervisor", "head -c 1 /proc/1/mem && echo ESCAPED; cat /proc/1/maps | grep -q . && echo ESCAPED"
)
_shell(
    "descriptors of the supervisor",
    "readlink /proc/1/fd/* && echo ESCAPED; for n in $(seq 0 9); do echo x > /proc/1/fd/$n && echo ESCAPED; done",
)
_python("trace the supervisor", "escaped(call(101, 16, 1, 0, 0) == 0)\nescaped(call(101, 0x4206, 1, 0, 0) == 0)")
_python(
    "read another's memory",
    "escaped(call(310, 1, bytes(16), 1, bytes(16), 1, 0) >= 0)\nescaped(call(438, call(434, 1, 0), 3, 0) >= 0)",
)
_python("limits of the supervisor", "escaped(call(302, 1, 7, struct.pack('QQ', 0, 0), 0) == 0)")
_shell(
    "stop or kill the supervisor",
    "for s in STOP KILL TERM INT HUP QUIT SEGV ABRT ALRM USR1 IO; do kill -$s 1; done; sleep 0.1; false",
)
_shell(
    "the supervisor's files",
    "find / -xdev \\( -name 'supervisor*' -o -name loader \\) 2>/dev/null | grep -q . && echo ESCAPED",
)

# privileges
_shell(
    "a set-user program",
    "cp /bin/bash /tmp/b; chmod 4755 /tmp/b; "
    "setpriv --reuid 1000 --clear-groups /tmp/b -pc '[ $EUID = 0 ] && echo ESCAPED'",
)
_shell(
    "capabilities by a file",
    "cp /bin/bash /tmp/c; setcap cap_sys_admin+ep /tmp/c && /tmp/c -c 'mount -t tmpfs n /mnt' && echo ESCAPED",
)
_shell("capabilities of root", "[ $((0x$(awk '/CapBnd/ {print $2}' /proc/self/status) & ~0xfb)) != 0 ] && echo ESCAPED")
_shell(
    "capabilities after su",
    "su -c '[ $((0x$(awk \"/CapEff/ {print \\$2}\" /proc/self/status) & ~0xfb)) != 0 ] && echo ESCAPED'",
)
_shell("no new privileges", "grep -q 'NoNewPrivs:.1' /proc/self/status || echo ESCAPED")
_python(
    "system clock and name", "escaped(call(227, 0, struct.pack('qq', 0, 0)) == 0)\nescaped(call(170, b'x', 1) == 0)"
)
_shell("system clock by a program", "date -s 2001-01-01 2>/dev/null && date +%Y | grep -q 2001 && echo ESCAPED")
_python("kernel modules", "escaped(any(call(n, b'x', 0, b'') == 0 for n in (175, 313, 176)))")
_python("kexec and reboot", "escaped(call(246, 0, 0, 0, 0) == 0)\nescaped(call(320, 0, 0, 0, 0, 0) == 0)")
_python("keys", "escaped(call(250, 0, -3, 1) >= 0)\nescaped(call(248, b'user', b'x', b'y', 1, -4) >= 0)")
_python(
    "bpf, perf, userfaultfd, io_uring",
    "escaped(any(call(n, 0, bytes(128), 128, -1, 0) >= 0 for n in (321, 298, 323, 425)))",
)
_python("swap and quota", "escaped(any(call(n, b'/tmp', 0) == 0 for n in (167, 168, 163)))")
_python("the other table of calls", "escaped(call(0x40000000 | 39) > 0)")
_python("host name by call", "escaped(call(170, b'owned', 5) == 0 or call(171, b'owned', 5) == 0)")

# network and terminals
_shell("reach the host's loopback", "exec 3<>/dev/tcp/127.0.0.1/PORT && echo ESCAPED")
_shell("reach the internet", "(echo > /dev/udp/1.1.1.1/53) && echo ESCAPED; getent hosts example.org && echo ESCAPED")
_shell("other interfaces", "grep -v -E 'lo:|Inter|face' /proc/net/dev | grep -q . && echo ESCAPED")
_python(
    "abstract sockets of the host",
    "s = socket.socket(socket.AF_UNIX)\ntry:\n s.connect('\\0LOCAL'); escaped(True)\nexcept OSError: pass",
)
_python("vsock to the hypervisor", "try:\n socket.socket(40, socket.SOCK_STREAM); escaped(True)\nexcept OSError: pass")
_python(
    "raw and packet sockets",
    "for f, t in ((17, 3), (2, 3), (38, 5), (15, 3)):\n"
    "  try: socket.socket(f, t); escaped((f, t))\n  except OSError: pass",
)
_python(
    "type into the terminal",
    "m, s = os.openpty()\ntry: fcntl.ioctl(s, 0x5412, b'x'); escaped(True)\nexcept OSError: pass",
)
_python("terminals of the host", "escaped(any(n not in '0 1 2 ptmx'.split() for n in os.listdir('/dev/pts')))")
_shell("shared memory of the host", "ls /dev/shm | grep -q . && echo ESCAPED; ipcs -m | grep -q 0x && echo ESCAPED")
