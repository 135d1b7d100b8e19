"""`/etc` and the empty folders of the reduced root file system: ours, so that counts are the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_LOGIN: Final = "/usr/sbin/nologin"
_SYSTEM_USERS: Final = (
    ("daemon", 1, "/usr/sbin"),
    ("bin", 2, "/bin"),
    ("sys", 3, "/dev"),
    ("games", 5, "/usr/games"),
    ("man", 6, "/var/cache/man"),
    ("mail", 8, "/var/mail"),
    ("www-data", 33, "/var/www"),
    ("backup", 34, "/var/backups"),
    ("nobody", 65534, "/nonexistent"),
)
_GROUPS: Final = (
    *(("root", 0), ("daemon", 1), ("bin", 2), ("sys", 3), ("adm", 4), ("tty", 5), ("disk", 6), ("mail", 8)),
    *(("man", 12), ("sudo", 27), ("www-data", 33), ("backup", 34), ("shadow", 42), ("staff", 50), ("games", 60)),
    *(("users", 100), ("nogroup", 65534)),
)
_PAM: Final = """\
auth sufficient pam_rootok.so
auth required pam_unix.so
account required pam_permit.so
password required pam_unix.so
session required pam_permit.so
"""
_LOGIN_DEFINITIONS: Final = """\
MAIL_DIR /var/mail
ENV_SUPATH PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV_PATH PATH=/usr/local/bin:/usr/bin:/bin
UID_MIN 1000
UID_MAX 60000
GID_MIN 1000
GID_MAX 60000
UMASK 022
PASS_MAX_DAYS 99999
PASS_MIN_DAYS 0
PASS_WARN_AGE 7
USERGROUPS_ENAB yes
ENCRYPT_METHOD SHA512
"""
_PROFILE: Final = """\
if [ "$(id -u)" = 0 ]; then
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
else
  PATH=/usr/local/bin:/usr/bin:/bin
fi
export PATH
"""
_BASHRC: Final = "case $- in *i*) ;; *) return ;; esac\nPS1='\\u@\\h:\\w\\$ '\n"
FOLDERS: Final = (
    *("boot", "dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr/games", "usr/local/bin"),
    *("usr/local/sbin", "usr/local/lib", "usr/local/share", "usr/share/doc", "usr/src", "var/backups", "var/cache"),
    *("var/lib", "var/log", "var/mail", "var/opt", "var/spool", "etc/cron.d", "etc/cron.daily", "etc/init.d"),
    *("etc/opt", "etc/profile.d", "etc/skel", "etc/ssl/certs", "etc/sudoers.d", "etc/sysctl.d"),
)


def files() -> dict[str, str]:
    """Return the text files of the skeleton, by path."""
    users = "".join(f"{name}:x:{number}:{number}:{name}:{home}:{_LOGIN}\n" for name, number, home in _SYSTEM_USERS)
    shadow = "".join(f"{name}:*:19700:0:99999:7:::\n" for name, _, _ in _SYSTEM_USERS)
    return {
        "etc/bash.bashrc": "",
        "etc/debian_version": "12\n",
        "etc/default/useradd": "SHELL=/bin/sh\nHOME=/home\nSKEL=/etc/skel\nCREATE_MAIL_SPOOL=no\n",
        "etc/fstab": "# no file systems\n",
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in _GROUPS),
        "etc/gshadow": "".join(f"{name}:*::\n" for name, _ in _GROUPS),
        "etc/host.conf": "multi on\n",
        "etc/hostname": "sandbox\n",
        "etc/hosts": "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n",
        "etc/issue": "Linux\n",
        "etc/login.defs": _LOGIN_DEFINITIONS,
        "etc/motd": "",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\n",
        "etc/os-release": 'NAME="Linux"\nID=linux\nPRETTY_NAME="Linux, reduced"\n',
        "etc/pam.conf": "",
        **{f"etc/pam.d/{name}": _PAM for name in ("chpasswd", "login", "newusers", "other", "passwd", "runuser")},
        **{f"etc/pam.d/{name}": _PAM for name in ("runuser-l", "su", "su-l", "sudo", "useradd")},
        "etc/passwd": f"root:x:0:0:root:/root:/bin/bash\n{users}",
        "etc/profile": _PROFILE,
        "etc/protocols": "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\n",
        "etc/resolv.conf": "",
        "etc/security/limits.conf": "",
        "etc/services": "ssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\ndomain 53/tcp\nhttp 80/tcp\nhttps 443/tcp\n",
        "etc/shadow": f"root:*:19700:0:99999:7:::\n{shadow}",
        "etc/shells": "/bin/sh\n/bin/bash\n/bin/dash\n",
        "etc/skel/.bashrc": _BASHRC,
        "etc/skel/.profile": '[ -f "$HOME/.bashrc" ] && . "$HOME/.bashrc"\n',
        "etc/subgid": "",
        "etc/subuid": "",
        "etc/sudo.conf": "",
        "etc/sudoers": "Defaults !use_pty\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n",
        "etc/sysctl.conf": "",
        "etc/timezone": "Etc/UTC\n",
        "root/.bashrc": _BASHRC,
        "root/.profile": '[ -n "$BASH_VERSION" ] && [ -f ~/.bashrc ] && . ~/.bashrc\n',
        "var/log/dmesg": "",
        "var/log/lastlog": "",
        "var/log/wtmp": "",
    }


_MODES: Final = {"etc/gshadow": 0o640, "etc/shadow": 0o640, "etc/sudoers": 0o440}


def write(root: Path) -> None:
    """Write the skeleton into a root file system whose `usr` is there."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("tmp", "var/tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).chmod(0o1777)
    for path, text in files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        (root / path).chmod(_MODES.get(path, 0o644))
    (root / "root").chmod(0o700)
    for link, target in (("etc/mtab", "/proc/self/mounts"), ("var/run", "/run"), ("var/lock", "/run/lock")):
        (root / link).symlink_to(target)
