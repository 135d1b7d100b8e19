"""The attempts of one call: what a status means, when another attempt makes sense, and how long to wait for it."""

from __future__ import annotations

import asyncio
import random
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from agenttuning.errors import ContextLimitError, PolicyError

if TYPE_CHECKING:
    import httpx

    from agenttuning.core.records import Usage
    from agenttuning.policies.config import ServerConfig

LONGEST_WAIT_SECONDS = 60.0
"""Between two attempts, unless the server asks for more."""

_PASSING: Final = frozenset({408, 409, 425, 429})
_OVERLOADED: Final = frozenset({429, 503, 529})
_REFUSED: Final = frozenset({401, 402, 404, 429})
_NO_MONEY: Final = re.compile(r"insufficient_quota|exceeded your current quota", re.IGNORECASE)
_TOO_LONG: Final = re.compile(
    r"context.?(length|window)|maximum context|max_total_tokens|too long"
    r"|inputs.{0,60}must (be <=|have less than) \d+",
    re.IGNORECASE,
)
_NO_MONEY_ADVICE: Final = "the account has no money left; add some and continue with --resume"
_ADVICE: Final = {
    401: "check the key in the variable that `api_key_env` names",
    402: _NO_MONEY_ADVICE,
    403: "the key may not use this model; check both",
    404: "check `base_url` (an OpenAI endpoint's ends with /v1) and `model`",
    422: "the server does not take these parameters; compare `sampling` and `stop` with its limits",
    429: _NO_MONEY_ADVICE,
}


class PassingError(PolicyError):
    """What another attempt may better."""

    def __init__(self, text: str, *, met: str, wait_seconds: float | None = None, overloaded: bool = False) -> None:
        super().__init__(text)
        self.met = met
        """What the attempt met, in one word."""
        self.wait_seconds = wait_seconds
        """As the server asks."""
        self.overloaded = overloaded


class RefusedError(PolicyError):
    """The server refuses this account or model altogether: no other call would fare better."""


class UnusableAnswerError(PolicyError):
    """The model answered and is paid for it, but there is no reply in it."""

    def __init__(self, text: str, *, reason: str, usage: Usage) -> None:
        super().__init__(text)
        self.reason = reason
        self.usage = usage


class Attempts:
    """One call's attempts so far; the time in our own queue does not count against the deadline."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._began = time.monotonic()
        self.met: list[str] = []
        self.queue_seconds = 0.0
        self.status = 0
        """Of the last response; 0 before any."""
        self.request_id = ""

    @property
    def seconds(self) -> float:
        """From the beginning until now."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self._config.deadline_seconds - (self.seconds - self.queue_seconds)

    async def wait(self, error: PassingError) -> None:
        """Wait for the next attempt.

        Raises:
            PolicyError: there is none, because the attempts or the time are used up.
        """
        first = self._config.first_wait_seconds
        wait = error.wait_seconds
        if wait is None:
            wait = min(LONGEST_WAIT_SECONDS, first * 2 ** (len(self.met) - 1))
        wait = min(wait + random.uniform(0, first), max(wait, LONGEST_WAIT_SECONDS))
        if len(self.met) >= self._config.max_attempts:
            raise PolicyError(f"{error} (attempts: {', '.join(self.met)})") from error.__cause__
        if wait >= self.seconds_left:
            raise PolicyError(
                f"{error} (attempts: {', '.join(self.met)}; deadline_seconds={self._config.deadline_seconds:g} "
                "leaves no time for another)"
            ) from error.__cause__
        await asyncio.sleep(wait)


def check_status(response: httpx.Response, body: bytes) -> None:
    """Return for a success.

    Raises:
        PassingError: another attempt makes sense.
        ContextLimitError: the conversation is longer than the server's model takes.
        RefusedError: so would every other request.
        PolicyError: the request fails for good; the text says what to do.
    """
    if response.is_success:
        return
    status, told = response.status_code, body.decode("utf-8", "replace")
    text = f"{response.request.url} answered {status}: {excerpt(body)}"
    if (status in _PASSING or status >= 500) and not (status == 429 and _NO_MONEY.search(told)):
        raise PassingError(
            text,
            met=str(status),
            wait_seconds=retry_after(response.headers.get("retry-after"), sent=response.headers.get("date")),
            overloaded=status in _OVERLOADED,
        )
    if status in _REFUSED:
        raise RefusedError(f"{text}; {_ADVICE[status]}")
    if status in {400, 413, 422} and _TOO_LONG.search(told):
        raise ContextLimitError(text)
    raise PolicyError(f"{text}; {_ADVICE.get(status, 'the request itself is at fault, so it is not repeated')}")


def retry_after(value: str | None, *, sent: str | None = None) -> float | None:
    """Return the seconds that a `Retry-After` header asks for; it holds seconds or a date.

    Args:
        value: the header.
        sent: the answer's `Date`; a date is read by the server's clock, since ours may be wrong.
    """
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    moment = _moment(value)
    if moment is None:
        return None
    now = (_moment(sent) if sent else None) or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def _moment(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def excerpt(body: bytes) -> str:
    """Return the beginning of a body on one line."""
    text = " ".join(body[:2000].decode("utf-8", "replace").split())
    return repr(text if len(text) <= 300 else f"{text[:300]}...")
