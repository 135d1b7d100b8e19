"""Scripts of the mail boxes and of the social medium."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.miniwob.solvers.fields import fill
from agenttuning.environments.worlds.miniwob.solvers.look import click, literal, place, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.miniwob.solvers.look import Look, Move, Solver

_OPENINGS: Final = (
    "Find",
    "Locate",
    "Look",
    "Forward",
    "Send",
    "Go",
    "Please",
    "The",
    "Give",
    "I",
    "Navigate",
    "Search",
)
_DIRECT: Final = ("reply", "retweet", "like", "share")


def _thread(name: str) -> str:
    return f"//div[@class='email-thread'][.//div[@class='email-sender'][text()={literal(name)}]]"


def _forward(name: str, receiver: str) -> Iterator[Move]:
    yield click(f"{_thread(name)}//div[@class='email-body']", f"I open the email by {name}.")
    yield click("//span[@class='email-forward']", "this email is to be forwarded.")
    yield from fill("//input[@class='forward-sender']", receiver)
    yield click("//*[@id='send-forward']", f"it is addressed to {receiver}, so I send it.")


def _inbox(look: Look) -> Iterator[Move]:
    (name,) = look.read(r"email by ([\w-]+)")
    reply = re.search(r'the text "(.*)"', look.utterance)
    receiver = re.search(r"that email to ([\w-]+)\.", look.utterance)
    if receiver:
        yield from _forward(name, receiver[1])
    elif reply:
        yield click(f"{_thread(name)}//div[@class='email-body']", f"I open the email by {name}.")
        yield click("//span[@class='email-reply']", "this email is to be answered.")
        yield from fill("//*[@id='reply-text']", reply[1])
        yield click("//*[@id='send-reply']", "the answer is written, so I send it.")
    else:
        icon = "trash" if "trash" in look.utterance else "star"
        yield click(f"{_thread(name)}//span[@class='{icon}']", f"the email by {name} has a {icon} icon.")


def _inbox_to_forward(look: Look) -> Iterator[Move]:
    name = next(filter(None, look.read(r"(?:by|from) ([\w-]+)|([\w-]+) (?:sent|wants his)")))
    names = [word for word in re.findall(r"\b[A-Z][\w-]*", look.utterance) if word not in _OPENINGS]
    yield from _forward(name, next(each for each in names if each != name))


def _posts(look: Look, user: str) -> list[str]:
    return [place(each) for each in look.find("//div[@class='media']") if user in each.text_content().split()]


def _all_posts(look: Look) -> Iterator[Move]:
    button, amount, user = look.read(r'the "(\w+)" button on (all|\d+) posts? by (\S+) and')
    posts = _posts(look, user)
    for post in posts[: None if amount == "all" else int(amount)]:
        yield click(f"{post}//span[@class='{button.lower()}']", f"{user} wrote this post.")
    yield submit()


def _one_post(look: Look) -> Iterator[Move]:
    user, label = look.read(r'the user (\S+), click on the "(.*)" button')
    post = _posts(look, user)[0]
    if label.lower() in _DIRECT:
        yield click(f"{post}//span[@class='{label.lower()}']", f"the post by {user} has a button to {label.lower()}.")
        return
    yield click(f"{post}//span[@class='more']", f"{label} is in the menu of the post by {user}.")
    entry = next(each for each in look.find(f"{post}//li") if each.text_content().startswith(label))
    yield click(place(entry), f"the menu is open and shows {label}.")


SOLVERS: Final[dict[str, Solver]] = {
    "email-inbox": _inbox,
    "email-inbox-forward-nl": _inbox_to_forward,
    "social-media": _one_post,
    "social-media-all": _all_posts,
    "social-media-some": _all_posts,
}
