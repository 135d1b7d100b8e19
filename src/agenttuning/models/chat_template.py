"""From messages to token ids and loss labels, turn by turn.

Tokenising a whole rendered conversation is not the same as tokenising its turns (a SentencePiece-like
tokenizer gives other ids after a BOS in mid-string), and a mask found by searching the rendered text is a
guess. So every template here builds ids piece by piece, and training and serving share the pieces: the
ids of a prompt are always the beginning of the ids of the finished dialogue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tokenizers import Tokenizer

from agenttuning.core.records import digest
from agenttuning.errors import DataError
from agenttuning.models.pieces import Piece, PieceEncoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transformers import PreTrainedTokenizerBase

    from agenttuning.core.records import Message

IGNORED = -100
"""Label of a token that the loss does not see."""
PAPER_SYSTEM = "You are a helpful, respectful and honest assistant."
"""The fixed system text of AgentLM (the paper's README)."""


@dataclass(frozen=True, slots=True)
class TokenizedDialogue:
    """One dialogue as the model sees it."""

    input_ids: list[int]
    labels: list[int]
    """The id itself where it is trained, -100 elsewhere; aligned with `input_ids`, not shifted."""
    turn_ends: tuple[int, ...] = ()
    """Length after each finished assistant turn: the only places where a dialogue may be cut."""


@dataclass(slots=True)
class DialogueBuilder:
    """Collects pieces of ids."""

    input_ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    turn_ends: list[int] = field(default_factory=list)

    def context(self, ids: Sequence[int]) -> None:
        """Add tokens that are read, never trained."""
        self.input_ids.extend(ids)
        self.labels.extend([IGNORED] * len(ids))

    def answer(self, ids: Sequence[int], *, train: bool | None) -> None:
        """Add an assistant turn with its end mark; only an explicit False keeps it out of the loss."""
        self.input_ids.extend(ids)
        self.labels.extend([IGNORED] * len(ids) if train is False else ids)
        self.turn_ends.append(len(self.input_ids))

    def add(self, pieces: Iterable[Piece], encode: PieceEncoder) -> DialogueBuilder:
        """Encode pieces and add them."""
        for piece in pieces:
            self.context(piece.opens)
            ids = encode.piece(piece)
            if piece.answer:
                self.answer([*ids, *piece.closes], train=piece.train)
            else:
                self.context(ids)
        return self

    def build(self) -> TokenizedDialogue:
        """Return the finished dialogue."""
        return TokenizedDialogue(self.input_ids, self.labels, tuple(self.turn_ends))


class ChatTemplate(Protocol):
    """How one model reads a conversation."""

    @property
    def digest(self) -> str:
        """Identity of the rendering; two numbers with unlike digests do not share a column."""

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids up to exactly where the assistant's next answer begins."""

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """Return the raw prompt for a server that tokenises itself, without the first BOS."""

    def training_ids(self, messages: Sequence[Message]) -> TokenizedDialogue:
        """Return ids and labels of a whole dialogue.

        Raises:
            DataError: the template cannot render these roles in this order.
        """

    def training_batch(self, dialogues: Sequence[Sequence[Message]]) -> list[TokenizedDialogue | DataError]:
        """Do the same for many dialogues at once, which is several times quicker; a refusal stands in its place."""


class PieceTemplate:
    """A template that takes a conversation apart into pieces of text; encoding them is done here, once for all."""

    def __init__(self, encoder: Tokenizer) -> None:
        self._encode = PieceEncoder(encoder)

    def pieces(self, messages: Sequence[Message], *, open_end: bool) -> Iterator[Piece]:
        """Yield the conversation up to its last answer, or, with `open_end`, up to where the next one begins."""
        raise NotImplementedError

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids up to where the next answer begins."""
        return DialogueBuilder().add(self.pieces(messages, open_end=True), self._encode).input_ids

    def training_ids(self, messages: Sequence[Message]) -> TokenizedDialogue:
        """Return ids and labels; an answer is trained with the mark that ends it, what follows the last is left out."""
        return DialogueBuilder().add(self.pieces(messages, open_end=False), self._encode).build()

    def training_batch(self, dialogues: Sequence[Sequence[Message]]) -> list[TokenizedDialogue | DataError]:
        """Do the same for many dialogues; the tokenizer gets all their pieces in one call."""
        taken = [self._taken_apart(messages) for messages in dialogues]
        self._encode.prime(piece for pieces in taken if not isinstance(pieces, DataError) for piece in pieces)
        return [
            pieces if isinstance(pieces, DataError) else DialogueBuilder().add(pieces, self._encode).build()
            for pieces in taken
        ]

    def _taken_apart(self, messages: Sequence[Message]) -> list[Piece] | DataError:
        try:
            return list(self.pieces(messages, open_end=False))
        except DataError as error:
            return error


def plain_encoder(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return an encoder that reads special tokens in a text as ordinary characters.

    Observations and model output are hostile: an `</s>` that a world prints must not end a turn.
    """
    encoder = Tokenizer.from_str(backend(tokenizer).to_str())
    encoder.no_padding()
    encoder.no_truncation()
    encoder.encode_special_tokens = True
    return encoder


def backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return the fast tokenizer inside a transformers tokenizer.

    Raises:
        DataError: it has none.
    """
    found = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(found, Tokenizer):
        raise DataError(
            f"the tokenizer of {tokenizer.name_or_path!r} is not a fast one; "
            "save it again with `AutoTokenizer.from_pretrained(..., use_fast=True).save_pretrained(folder)`"
        )
    return found


def token_id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    """Return the id of a token that must be there.

    Raises:
        DataError: it is not in the vocabulary.
    """
    found = backend(tokenizer).token_to_id(token)
    if found is None:
        raise DataError(f"the tokenizer of {tokenizer.name_or_path!r} has no token {token!r}; save it again with it")
    return found


class Llama2Template(PieceTemplate):
    r"""Llama-2-chat as the paper trains and serves it.

    First turn: `<s>[INST] <<SYS>>\n{system}\n<</SYS>>\n\n{user} [/INST] {answer} </s>`; later turns
    `<s>[INST] {user} [/INST] {answer} </s>`. Both sides are stripped, every user turn has a BOS of its
    own, and the space before EOS belongs to the answer and to the loss. A system message of the
    conversation takes the place of `system`; None sends none.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, system: str | None = PAPER_SYSTEM) -> None:
        if not isinstance(tokenizer.bos_token_id, int) or not isinstance(tokenizer.eos_token_id, int):
            raise DataError(
                f"the tokenizer of {tokenizer.name_or_path!r} has no BOS or EOS token, which the Llama-2 format needs; "
                'choose template = "auto"'
            )
        super().__init__(plain_encoder(tokenizer))
        self._bos = (tokenizer.bos_token_id,)
        self._eos = (tokenizer.eos_token_id,)
        self._marks = (str(tokenizer.bos_token), str(tokenizer.eos_token))
        self._system = system
        self.digest = digest(f"llama2/1 {system!r}")

    def prompt_text(self, messages: Sequence[Message]) -> str:
        """Return the text up to the last `[/INST]`, without a trailing space and without the first BOS."""
        bos, eos = self._marks
        turns = self._pairs(messages, open_end=True)
        return bos.join(p if a is None else f"{p} {a.content.strip()} {eos}" for p, a in turns)

    def pieces(self, messages: Sequence[Message], *, open_end: bool) -> Iterator[Piece]:
        """Yield every user turn after a BOS, and every answer as it stands behind it; both open ends are as served."""
        for prompt, answer in self._pairs(messages, open_end=open_end):
            yield Piece(prompt, opens=self._bos)
            if answer is not None:
                text = f" {answer.content.strip()} "
                yield Piece(text, behind=prompt, closes=self._eos, answer=True, train=answer.train)

    def _pairs(self, messages: Sequence[Message], *, open_end: bool) -> Iterator[tuple[str, Message | None]]:
        system = self._system
        if messages and messages[0].role == "system":
            system, messages = messages[0].content, messages[1:]
        require_alternating(messages)
        if open_end and len(messages) % 2 == 0:
            raise DataError("a prompt must end with a user turn; drop the last assistant turn")
        for index in range(0, len(messages), 2):
            user = messages[index].content.strip()
            if index == 0 and system is not None:
                user = f"<<SYS>>\n{system.strip()}\n<</SYS>>\n\n{user}"
            answer = messages[index + 1] if index + 1 < len(messages) else None
            if answer is not None or open_end:
                yield f"[INST] {user} [/INST]", answer


def require_alternating(messages: Sequence[Message]) -> None:
    """Refuse anything but user, assistant, user, ...

    Raises:
        DataError: a turn stands where the other role belongs.
    """
    for index, message in enumerate(messages):
        expected = ("user", "assistant")[index % 2]
        if message.role != expected:
            raise DataError(
                f"turn {index} has the role {message.role!r} where {expected!r} belongs; "
                "merge neighbouring turns of one role, and put a system text first"
            )
