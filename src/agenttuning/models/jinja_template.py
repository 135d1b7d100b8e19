"""The chat template that comes with a model, with exact answer borders.

The conversation is rendered turn by turn; where each assistant turn begins and ends follows from the
difference of two renderings, and the pieces between the borders are encoded one by one. Templates that
rewrite earlier turns (dropping old thoughts, for example) have no such borders and are refused.

Most templates put the same text around every content. So the borders are found once for every order of roles, with
marks for contents, and filled in; the result is taken when it is the whole conversation as rendered, to the letter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from transformers.utils.chat_template_utils import _compile_jinja_template

from agenttuning.core.records import Message, digest
from agenttuning.errors import DataError
from agenttuning.models.chat_template import PieceTemplate, backend
from agenttuning.models.pieces import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedTokenizerBase

    from agenttuning.core.records import Role

_PROBE = (
    Message(role="user", content="Name two colours."),
    Message(role="assistant", content="Red and blue."),
    Message(role="user", content="Name 3 more."),
    Message(role="assistant", content="Green, white, black."),
)


_MARK = re.compile("\x02([0-9]+)\x03")
_LAYOUTS = 4096
"""Most orders of roles whose borders are remembered."""


class _Part(NamedTuple):
    """One piece of a conversation of given roles."""

    texts: tuple[str | int, ...]
    """Text of the template, and indices of messages whose content stands there."""
    message: int | None
    """Index of the assistant turn; None for what stands before one."""


class JinjaTemplate(PieceTemplate):
    """Any Hugging Face tokenizer with a `chat_template`.

    The text of a turn is rendered by the template as transformers would, so a special token inside a
    message is read as one; clean the data of such texts.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.eos_token:
            raise DataError(
                f"the tokenizer of {tokenizer.name_or_path!r} has no EOS token, so an answer would never end; "
                "name one in its tokenizer_config.json, the mark that its chat template puts after an answer"
            )
        super().__init__(backend(tokenizer))
        self._tokenizer = tokenizer
        self._anchor = str(tokenizer.eos_token)
        self._compiled = _compile_jinja_template(tokenizer.get_chat_template())
        self._marks = dict(tokenizer.special_tokens_map)
        self.digest = digest(str(tokenizer.chat_template))
        self._end = ""
        self._layouts: dict[tuple[str, ...], tuple[_Part, ...]] = {}
        self._require_exact()
        self._end = self._plain_end()

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """Return the rendered prompt without its first BOS."""
        return self._render(messages, prompt=True).removeprefix(self._tokenizer.bos_token or "")

    def pieces(self, messages: Sequence[Message], *, open_end: bool) -> Iterator[Piece]:
        """Yield what stands before each answer, and each answer with what the template puts after it (its end mark)."""
        filled = None if open_end else self._filled(messages)
        yield from self._rendered(messages, open_end=open_end) if filled is None else filled

    def _filled(self, messages: Sequence[Message]) -> list[Piece] | None:
        """Return the pieces with one rendering; None where the template does more than to put text around contents."""
        count = max((index + 1 for index, message in enumerate(messages) if message.role == "assistant"), default=0)
        layout = self._layout(tuple(message.role for message in messages[:count]))
        if not layout:
            return None
        whole = self._render(messages[:count], prompt=False)
        plain = [message.content for message in messages[:count]]
        for contents in (plain, [content.strip() for content in plain]):
            texts = ["".join(contents[one] if isinstance(one, int) else one for one in part.texts) for part in layout]
            if "".join(texts) == whole:
                return [
                    self._piece(text, whole[:number])
                    if part.message is None
                    else self._piece(text, whole[:number], answer=True, train=messages[part.message].train)
                    for number, (text, part) in enumerate(zip(texts, layout, strict=True))
                ]
        return None

    def _layout(self, roles: tuple[str, ...]) -> tuple[_Part, ...]:
        """Return the pieces of these roles; nothing where there is no answer, or the template refuses the roles."""
        if roles not in self._layouts:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            marked = [Message(role=cast("Role", role), content=f"\x02{index}\x03") for index, role in enumerate(roles)]
            try:
                pieces = list(self._rendered(marked, open_end=False))
            except DataError:
                pieces = []
            answers = (index for index, role in enumerate(roles) if role == "assistant")
            self._layouts[roles] = tuple(
                _Part(_split(piece.text), next(answers) if piece.answer else None) for piece in pieces
            )
        return self._layouts[roles]

    def _rendered(self, messages: Sequence[Message], *, open_end: bool) -> Iterator[Piece]:
        """Yield the pieces by rendering the conversation up to each border."""
        answers = [index for index, message in enumerate(messages) if message.role == "assistant"]
        done, last = "", None
        for index in [*answers, *([len(messages)] if open_end else [])]:
            prompt = self._render(messages[:index], prompt=True)
            if last is not None:
                answer = self._answer(done, messages[: last + 1], prompt)
                yield self._piece(answer, done, answer=True, train=messages[last].train)
                done += answer
            context = self._grown(done, prompt, turns=index)
            yield self._piece(context, done)
            done += context
            last = index
        if answers and not open_end:
            answer = self._answer(done, messages[: answers[-1] + 1], "")
            yield self._piece(answer, done, answer=True, train=messages[answers[-1]].train)

    def _answer(self, done: str, messages: Sequence[Message], prompt: str) -> str:
        """Return the last turn as it is rendered; the prompt behind it may show it, which saves a rendering."""
        plain = messages[-1].content + self._end
        if self._end and prompt.startswith(plain, len(done)):
            return plain
        return self._grown(done, self._render(messages, prompt=False), turns=len(messages))

    def _piece(self, text: str, done: str, *, answer: bool = False, train: bool | None = None) -> Piece:
        """Return a piece that is encoded as inside the whole: after a special token, no space is put before it."""
        return Piece(text, behind=self._anchor if done else "", answer=answer, train=train)

    def _grown(self, done: str, text: str, *, turns: int) -> str:
        if not text.startswith(done):
            raise DataError(
                f"the chat template of {self._tokenizer.name_or_path!r} rewrites earlier turns (turn {turns}), "
                'so answers have no fixed place in it; choose template = "llama2", or give the model folder a '
                "chat_template.jinja that only appends"
            )
        return text[len(done) :]

    def _render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        """Render as `apply_chat_template` does, without its checks of every message, which cost more than the rest."""
        from jinja2.exceptions import TemplateError

        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = self._compiled.render(
                messages=turns, tools=None, documents=None, add_generation_prompt=prompt, **self._marks
            )
        except TemplateError as error:
            raise DataError(
                f"the chat template of {self._tokenizer.name_or_path!r} refuses this conversation: {error}; "
                'change the order of its roles, or choose template = "llama2"'
            ) from error
        return cast("str", text)

    def _require_exact(self) -> None:
        pieces = self.training_ids(_PROBE).input_ids
        text = self._render(_PROBE, prompt=False)
        whole = self._encode.text(text).tolist()
        anchor = [self._tokenizer.convert_tokens_to_ids(self._anchor)]
        if self._encode.text(self._anchor).tolist() != anchor or pieces != whole:
            raise DataError(
                f"the tokenizer of {self._tokenizer.name_or_path!r} merges text across the borders of its chat "
                'template, so training and serving would disagree; choose template = "llama2"'
            )

    def _plain_end(self) -> str:
        """Return what the template puts after the plain text of an answer; nothing where it changes the text."""
        rendered = [piece.text for piece in self.pieces(_PROBE, open_end=False) if piece.answer]
        contents = [message.content for message in _PROBE if message.role == "assistant"]
        ends = {
            text[len(said) :] if text.startswith(said) else "" for text, said in zip(rendered, contents, strict=True)
        }
        return ends.pop() if len(ends) == 1 else ""


def _split(text: str) -> tuple[str | int, ...]:
    """Take a text with marks apart: what stands between them, and the number of each."""
    found = _MARK.split(text)
    return tuple(int(one) if number % 2 else one for number, one in enumerate(found))
