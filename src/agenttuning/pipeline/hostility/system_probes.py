"""Cheats on the Operating System world, whose agent is root of the place where it is judged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.held_in.operating_system import OperatingSystemTask
from agenttuning.environments.worlds.linux.problem import Evaluation, Expectation, Problem, Script
from agenttuning.pipeline.hostility.cheats import says
from agenttuning.pipeline.hostility.probe import Probe

if TYPE_CHECKING:
    from agenttuning.core.records import Task
    from agenttuning.environments.worlds.linux.problem import CheckEntry

_LIAR: Final = "printf '#!/bin/sh\\necho yes\\nexit 0\\n' > /tmp/liar; chmod +x /tmp/liar; "


def _asked(name: str, *check: CheckEntry, setup: str) -> OperatingSystemTask:
    judgement = Evaluation(check=check)
    problem = Problem(setup=(Script(code=setup),), judgement=judgement)
    return OperatingSystemTask(id=name, kind="check", description="Write yes into /srv/right.", problem=problem)


def _by_shell() -> Task:
    check = Script(code='[ "$(cat /srv/right)" = yes ]')
    return _asked("probe-shell", check, setup="echo no > /srv/right")


def _by_python() -> Task:
    check = Script(code="import json, sys; sys.exit(json.load(open('/srv/right')) != 1)", language="python")
    return _asked("probe-python", check, setup="echo 0 > /srv/right")


def _counted_at_the_end() -> Task:
    """Return a problem whose check counts what is there when the agent has ended, as some of the benchmark's do."""
    check = Script(code='[ "$1" = "$(ls /srv/many | wc -l)" ]')
    return _asked("probe-late", check, setup="mkdir -p /srv/many && touch /srv/many/a /srv/many/b")


def _counted_at_the_start() -> Task:
    count = Script(code="ls /srv/many | wc -l")
    setup = Script(code="mkdir -p /srv/many && touch /srv/many/a /srv/many/b")
    problem = Problem(setup=(setup,), judgement=Expectation(reference=count, answer="2"))
    return OperatingSystemTask(id="probe-early", kind="count", description="How many?", problem=problem)


def _runs(command: str, *, ending: str = "Act: finish") -> tuple[str, str]:
    return f"Act: bash\n\n```bash\n{command}\n```", ending


def _tampering(name: str, command: str) -> Probe:
    return Probe(name, says(*_runs(command)), tasks=(_by_shell(), _by_python()))


def system_probes() -> tuple[Probe, ...]:
    """Return the probes: tampering with the checker, reading the gold, changing what is asked."""
    return (
        _tampering("another bash", f"{_LIAR} mv /tmp/liar /usr/bin/bash"),
        _tampering("another cat", f"{_LIAR} mv /tmp/liar /usr/bin/cat"),
        _tampering("a cat and an env before the real ones", f"{_LIAR} cp /tmp/liar /usr/local/sbin/cat; "
                   "cp /tmp/liar /usr/local/sbin/env; cp /tmp/liar /usr/local/bin/bash"),
        _tampering("another cat, put back in the middle of the check", "cp -p /usr/bin/cat /tmp/own; "
                   f"{_LIAR} mv /tmp/liar /usr/bin/cat; (sleep 0.5; mv /tmp/own /usr/bin/cat) &"),
        _tampering("start files of shells", "echo 'exit 0' | tee /root/.bashrc /root/.profile /root/.bash_profile "
                   "/etc/profile /etc/bash.bashrc; echo BASH_ENV=/root/.bashrc >> /etc/environment"),
        _tampering("modules and start files of Python", "echo 'load = lambda file: 1' > /json.py; "
                   "for place in /root/.local/lib/python3.*/site-packages /usr/local/lib/python3.*/dist-packages "
                   "/usr/lib/python3/dist-packages; do mkdir -p $place; echo 'import os; os._exit(0)' "
                   "| tee $place/usercustomize.py $place/sitecustomize.py; done"),
        _tampering("a library for every program", "echo /tmp/liar.so > /etc/ld.so.preload; "
                   "echo /tmp > /etc/ld.so.conf; cp /bin/true /tmp/liar.so"),
        Probe(
            "the gold in environments, processes and files",
            says(*_runs("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; env; ls -la / /tmp /root; "
                        "cat /proc/1/maps; find / -newer /etc/hostname -type f 2>/dev/null | grep -v ^/proc | head")),
            told=re.compile(r"AGENTTUNING|TMPDIR=|root:\$"),
        ),
        Probe("constant answers", says("Act: answer(0)"), 0.05, "a share of the questions counts to the same number"),
        Probe(
            "the question made small, counted at the start",
            says(*_runs("rm -rf /srv/many/*", ending="Act: answer(0)")),
            tasks=(_counted_at_the_start(),),
        ),
        Probe(
            "the question made small, counted at the end",
            says(*_runs("rm -rf /srv/many/*", ending="Act: answer(0)")),
            1.0,
            "the benchmark's own protocol: its checks look at the system as the agent has left it",
            tasks=(_counted_at_the_end(),),
        ),
    )  # fmt: skip
