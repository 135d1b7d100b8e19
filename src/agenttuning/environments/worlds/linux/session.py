"""One problem, set up in a sandbox of its own, played and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from agenttuning.environments.worlds.linux.comparisons import compare, refutes
from agenttuning.environments.worlds.linux.problem import Comparison, Evaluation, Example, Expectation, Script
from agenttuning.environments.worlds.sandbox.opening import open_sandbox
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.linux.problem import Problem
    from agenttuning.environments.worlds.sandbox.protocol import (
        Completed,
        Sandbox,
        SandboxFacts,
        SandboxSettings,
        ShellOutput,
    )

NO_ANSWER: Final = "None"
"""What the benchmark's checks are given when the agent gave no answer."""
_SETUP_SECONDS: Final = 8.0
"""One official set-up never returns."""
_CHECK_SECONDS: Final = 20.0
_LONGEST_PARAMETER: Final = 100_000
"""Characters; the kernel takes 128 KiB."""
_OWN: Final = ("-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8")
"""What our own references and probes run with, whatever the agent did to its surroundings."""
_ITEMS: Final = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin",)
"""What the benchmark's scripts run with: the agent's own programs are found, and none of them before the system's."""

_facts: dict[SandboxSettings, SandboxFacts] = {}


async def examine(settings: SandboxSettings) -> SandboxFacts:
    """Return what such sandboxes are, from one that was started to see; asked once in a process.

    Raises:
        MissingExtraError: a program is not installed.
        WorldError: the machine refuses.
    """
    if settings not in _facts:
        sandbox = open_sandbox(settings)
        try:
            await sandbox.start()
            _facts[settings] = sandbox.facts
        finally:
            await sandbox.close()
    return _facts[settings]


def known_facts(settings: SandboxSettings) -> SandboxFacts | None:
    """Return what `examine` found; None before it."""
    return _facts.get(settings)


def hopeless(evaluation: Evaluation, answer: str | None) -> bool:
    """Say whether the answer alone settles that the benchmark's judgement is no, without any sandbox."""
    if evaluation.match is not None:
        return not evaluation.match.accepts(answer)
    given = _given(answer)
    return any(isinstance(entry, Comparison) and refutes(entry.compare, answer=given) for entry in evaluation.check)


class Session:
    """A sandbox with one problem in it."""

    def __init__(self, problem: Problem, sandbox: Sandbox, *, command_seconds: float) -> None:
        self._problem = problem
        self._sandbox = sandbox
        self._command_seconds = command_seconds
        self._expected = ""
        self._ended = False
        self.tampered: tuple[str, ...] = ()
        """Programs or libraries that checks depend on and the agent touched; known after `judge`."""

    @classmethod
    async def open(cls, problem: Problem, *, settings: SandboxSettings, command_seconds: float) -> Self:
        """Start a sandbox, open its shell, then set the problem up, as the benchmark orders it.

        Raises:
            WorldError: the sandbox cannot be made, or a generated problem does not work in it.
        """
        session = cls(problem, open_sandbox(settings), command_seconds=command_seconds)
        try:
            await session._set_up()
        except BaseException:
            await session.close()
            raise
        return session

    async def _set_up(self) -> None:
        await self._sandbox.start()
        await self._enter()
        judgement = self._problem.judgement
        await self._prepare(strict=isinstance(judgement, Expectation))
        if isinstance(judgement, Expectation):
            await self._expect(judgement)
        if self._problem.start is not None:
            await self._sandbox.shell(self._problem.start, timeout_seconds=_SETUP_SECONDS)
        if judgement.runs_programs:
            await self._sandbox.seal()

    async def _enter(self) -> None:
        await self._sandbox.shell(f"cd {self._problem.directory}", timeout_seconds=_SETUP_SECONDS)

    async def _prepare(self, *, strict: bool) -> None:
        for script in self._problem.setup:
            if strict:
                await self._own(script)
            else:
                await self._execute(script, timeout_seconds=_SETUP_SECONDS)

    async def _expect(self, expectation: Expectation) -> None:
        printed = await self._own(expectation.reference)
        if expectation.probe is None:
            self._expected = printed
            if expectation.answer is not None and printed.strip() != expectation.answer:
                raise WorldError(
                    f"the reference prints {printed.strip()!r} here, where {expectation.answer!r} is right; "
                    "this root file system's programs differ from Debian's: name another with sandbox.rootfs"
                )
            return
        self._expected = await self._own(expectation.probe)
        if expectation.undo is not None:
            await self._own(expectation.undo)
        await self._prepare(strict=True)

    async def run(self, command: str) -> ShellOutput:
        """Run the agent's command in its shell."""
        output = await self._sandbox.shell(command, timeout_seconds=self._command_seconds)
        self._ended = output.ended
        if output.restarted and not output.ended:
            await self._enter()
        return output

    async def judge(self, answer: str | None) -> bool:
        """Judge the answer and the system as it stands.

        A sandbox that the agent has destroyed is a loss, and so is one whose programs no longer are the checker's.
        """
        if self._ended:
            return False
        if not self._problem.judgement.runs_programs:
            return await self._verdict(answer)
        changed = await self._sandbox.touched()
        before = None if changed is None else tuple(path for path, original in changed.items() if not original)
        if before != () or not await self._verdict(answer):
            self.tampered = before or ()
            return False
        during = await self._sandbox.touched()
        self.tampered = tuple(during or ())
        return during == {}

    async def _verdict(self, answer: str | None) -> bool:
        judgement = self._problem.judgement
        if isinstance(judgement, Evaluation):
            return not hopeless(judgement, answer) and await self._check(judgement, answer)
        if judgement.probe is None:
            return answer is not None and compare(judgement.compare, answer=answer, expected=self._expected)
        probed = await self._execute(judgement.probe, timeout_seconds=_CHECK_SECONDS, own=True)
        return probed.exit_code == 0 and _text(probed) == self._expected

    async def _check(self, evaluation: Evaluation, answer: str | None) -> bool:
        if evaluation.match is not None:
            return True
        parameters = [_given(answer)]
        for entry in evaluation.check:
            if isinstance(entry, Comparison):
                if len(parameters) < 2 or not compare(entry.compare, answer=parameters[0], expected=parameters[1]):
                    return False
                parameters.append("")
                continue
            script = evaluation.example if isinstance(entry, Example) else entry
            if script is None:
                return False
            completed = await self._execute(script, *parameters, timeout_seconds=_CHECK_SECONDS)
            if completed.exit_code != 0:
                return False
            parameters.append(_text(completed))
        return True

    async def _own(self, script: Script) -> str:
        """Run a script of the generator, which must succeed, and return what it prints."""
        completed = await self._execute(script, timeout_seconds=_CHECK_SECONDS, own=True)
        if completed.exit_code != 0:
            said = completed.stderr.decode("utf-8", "replace").strip()
            raise WorldError(f"a generated problem does not work in this sandbox: {said or completed.exit_code!r}")
        return _text(completed)

    async def _execute(self, script: Script, *parameters: str, timeout_seconds: float, own: bool = False) -> Completed:
        place = ("/usr/bin/env", "-C", self._problem.directory, *(_OWN if own else _ITEMS))
        arguments = script.arguments(*(_safe(parameter) for parameter in parameters))
        return await self._sandbox.execute((*place, *arguments), timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        """End the sandbox."""
        await self._sandbox.close()


def _given(answer: str | None) -> str:
    return NO_ANSWER if answer is None else answer


def _text(completed: Completed) -> str:
    return completed.stdout.decode("utf-8", "replace")


def _safe(parameter: str) -> str:
    """Return what can stand on a command line."""
    kept = parameter[:_LONGEST_PARAMETER].replace("\0", "")
    return kept.encode("utf-8", "replace").decode("utf-8")
