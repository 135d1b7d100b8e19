"""The form of every answer, for the server's description of itself; the routes write them without these records."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, JsonValue, RootModel


class TgiError(BaseModel):
    """An error of Text Generation Inference's surface."""

    error: str
    error_type: str


class OpenAIErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIError(BaseModel):
    """An error of OpenAI's surface."""

    error: OpenAIErrorDetail


class AnswerToken(BaseModel):
    """One token of an answer."""

    id: int
    text: str
    logprob: float | None
    special: bool


class PrefillToken(BaseModel):
    """One token of a prompt."""

    id: int
    text: str
    logprob: float | None


class AnswerDetails(BaseModel):
    """How an answer came about."""

    finish_reason: Literal["length", "eos_token", "stop_sequence"]
    generated_tokens: int
    seed: int | None
    prefill: list[PrefillToken]
    tokens: list[AnswerToken]
    top_tokens: list[list[AnswerToken]] = []


class OtherAnswer(AnswerDetails):
    """One that `best_of` left behind."""

    generated_text: str


class BestDetails(AnswerDetails):
    """How the best answer came about, and what else was drawn."""

    best_of_sequences: list[OtherAnswer] = []


class GenerateAnswer(BaseModel):
    """The answer to a raw prompt."""

    generated_text: str
    details: BestDetails | None


class GenerateAnswers(RootModel[list[GenerateAnswer]]):
    """The same, in an array of one."""

    root: list[GenerateAnswer] = Field(min_length=1, max_length=1)


class PlacedToken(BaseModel):
    """One token of a text, and the bytes that it covers."""

    id: int
    text: str
    start: int = Field(ge=0)
    stop: int = Field(ge=0)


class PlacedTokens(RootModel[list[PlacedToken]]):
    """The tokens of a text."""


class ChatTokens(BaseModel):
    """A rendered conversation and its tokens."""

    tokenize_response: list[PlacedToken]
    templated_text: str


class Information(BaseModel):
    """Model and limits."""

    model_id: str
    max_concurrent_requests: int
    max_best_of: int
    max_stop_sequences: int
    max_input_tokens: int | None
    max_total_tokens: int | None
    validation_workers: int
    max_client_batch_size: int
    router: str
    version: str


class ModelEntry(BaseModel):
    """One model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """The models behind the port."""

    object: Literal["list"]
    data: list[ModelEntry]


class Usage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """What the model says."""

    role: Literal["assistant"]
    content: str


class Choice(BaseModel):
    """One of several answers."""

    index: int
    logprobs: JsonValue
    finish_reason: Literal["stop", "length"]


class ChatChoice(Choice):
    """One answer of a conversation."""

    message: AnswerMessage


class TextChoice(Choice):
    """One continuation."""

    text: str


class Completed(BaseModel):
    """What both kinds of completion have."""

    id: str
    created: int
    model: str
    usage: Usage


class ChatAnswer(Completed):
    """A continued conversation."""

    object: Literal["chat.completion"]
    choices: list[ChatChoice] = Field(min_length=1)


class TextAnswer(Completed):
    """Continued prompts."""

    object: Literal["text_completion"]
    choices: list[TextChoice] = Field(min_length=1)


class PassedAnswer(BaseModel):
    """Whatever the model server answers."""
