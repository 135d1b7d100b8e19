"""Knowledge Graph: answer a question by walking a graph with seven tools (AgentBench's KG over Freebase).

A sample, as the model sees it (standard difficulty; instruction and worked example stand before it):

    user       A new question: What is the birthplace of the author of The Quiet Lantern?
               Entities: [The Quiet Lantern]
    assistant  Thought: The question goes through The Quiet Lantern. Which relations does it have?
               Action: get_relations(The Quiet Lantern)
    user       Observation: [works.book.adaptations, works.book.author, works.book.publisher, works.book.setting]
    assistant  Thought: Among these, works.book.author is the one that the question speaks of, so I follow it.
               Action: get_neighbors(The Quiet Lantern, works.book.author)
    user       Observation: variable #0, which are instances of people.person
    ...
    assistant  Thought: #1 is what the question asks for.
               Final Answer: #1

Action: the first line that opens with `Action...:` calls `get_relations`, `get_neighbors`, `intersection`,
`get_attributes`, `argmax`, `argmin` or `count`; `Final Answer: #n` anywhere ends the episode with the members of
variable n. Nothing after `Observation:` in a reply is read or kept. At most 15 replies.
Reward: F1 of the answer set; success is an exact match; `executable` says whether there was an answer at all.
Source: AgentBench (arXiv 2308.03688), section "Knowledge Graph", data `knowledgegraph/{dev,std,kg_rl_all}.json` and
`ontology/` (https://github.com/THUDM/AgentBench, Apache-2.0; questions of GrailQA, ComplexWebQuestions, GraphQuestions
and WebQSP; Freebase CC BY 2.5), or the seeded generator of `worlds/graph`. Freebase itself is not ours to bring: load
the Freebase-Setup project's Virtuoso database (53 GB) and set `backend = "endpoint"`, `endpoint = ".../sparql"`.
Deviations: official questions are played on Freebase only through `backend = "endpoint"`; else on a small graph
rebuilt from the gold calls with decoys, named `agentbench-kg-reconstructed`, which is no AgentBench KG score. Lists are
sorted (the original's order is random), caches live for one episode, only the seven tools can be called, an `Action`
line is read for its first 4,000 characters. `parity = "strict"` keeps the quirks of the original that change scores:
arguments break at every `,` and `)`; `#-1` is the last variable; ids of `g.` are refused; only the published vocabulary
counts, and sets of unlike type labels cannot be intersected; a superlative looks at the whole program, leaves out the
question's entities and can be neither nested nor counted. `"repaired"` has none of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypedDict

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Task
from agenttuning.environments.worlds.graph.connect import connect
from agenttuning.environments.worlds.graph.example import OBSERVATIONS, QUESTION, REPLIES
from agenttuning.environments.worlds.graph.full_schema import FULL
from agenttuning.environments.worlds.graph.oracle import Oracle
from agenttuning.environments.worlds.graph.protocol import heard
from agenttuning.environments.worlds.graph.queries import Parity
from agenttuning.environments.worlds.graph.scoring import f1
from agenttuning.environments.worlds.graph.session import Session
from agenttuning.environments.worlds.graph.store import BackendName
from agenttuning.environments.worlds.graph.tiny_schema import TINY
from agenttuning.environments.worlds.graph.tools import Toolbox
from agenttuning.environments.worlds.graph.triples import Triple
from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.graph.ontology import Ontology
    from agenttuning.environments.worlds.graph.store import SparqlStore

MAX_REPLIES: Final = 15
SPLITS: Final = {"train": 20_000, "test": 1_000}
FREEBASE: Final = "agentbench-kg"
"""Source of official questions on an endpoint's Freebase."""
RECONSTRUCTED: Final = "agentbench-kg-reconstructed"
"""Source of official questions on graphs rebuilt from their gold calls: never reported as AgentBench KG."""
INSTRUCTION: Final = """\
You answer questions by walking a large graph of things and the relations between them. You cannot see the graph; you
reach it through tools, one call per reply. What a tool finds is kept in a variable: #0, #1, #2 and so on. A variable
stands for a set of things, or for a number. Most answers need several steps.

The tools:
get_relations(x): lists the relations that lead out of x, where x is a variable or an entity of the question. Call it
before you follow a relation. Example: get_relations(Lake Victoria)
get_neighbors(x, relation): makes a variable of everything that the relation leads to from x. The relation must be in
the list that get_relations(x) gave. Example: get_neighbors(#0, geography.lake.outflow)
intersection(#a, #b): makes a variable of what is in both variables. They must be of the same type.
get_attributes(#a): lists the measures (numbers and dates) of the members of a variable. Call it before you rank them.
argmax(#a, attribute): makes a variable of the members whose attribute is the highest. The attribute must be in the
list that get_attributes(#a) gave. Example: argmax(#1, geography.lake.surface_area)
argmin(#a, attribute): the same for the lowest.
count(#a): makes a variable that is the number of members of a variable.

Every reply is a thought and one action:
Thought: why I take this step
Action: get_relations(Lake Victoria)
I send back what the tool says. You have at most 15 actions. Use the entities exactly as they are written under the
question. When a variable is the answer, reply:
Thought: why this is the answer
Final Answer: #2"""
TINY_INSTRUCTION: Final = (
    "Use get_relations(x), get_neighbors(x, relation), get_attributes(#n), argmax(#n, attribute), "
    "argmin(#n, attribute), count(#n). Think, then write Action: or Final Answer: #n."
)
ACKNOWLEDGEMENT: Final = "I've understood your instruction, start please."


class KnowledgeGraphConfig(EnvironmentConfig):
    """Settings of the Knowledge Graph environment."""

    backend: BackendName = "embedded"
    """`embedded` is pyoxigraph in this process; `virtuoso` a server that is started; `endpoint` one that runs."""
    endpoint: str | None = None
    """Address of the SPARQL endpoint that holds Freebase, such as `http://127.0.0.1:8890/sparql`."""
    graph: str | None = None
    """Name of the graph to ask at the endpoint; None asks its default."""
    parity: Parity | None = None
    """`strict` keeps the original's quirks, `repaired` has none; None: strict at an endpoint, else repaired."""


class KnowledgeGraphTask(Task):
    """One question over one graph."""

    shape: str
    """What kind of question it is: the generator's word, or the data set that an official one comes from."""
    question: str
    entities: dict[str, str]
    """Name -> id, in the order shown."""
    answer: tuple[str, ...]
    actions: tuple[str, ...] = ()
    """The gold calls."""
    triples: tuple[Triple, ...] = ()
    """The graph; empty where an endpoint holds it."""
    ontology: Path | None = None
    """Folder of the published vocabulary; None for the generator's."""
    backend: BackendName = "embedded"
    endpoint: str | None = None
    graph: str | None = None
    parity: Parity = "repaired"


class KnowledgeGraph(Environment[KnowledgeGraphTask]):
    """One episode on one question."""

    id: ClassVar[str] = "knowledge_graph"
    group: ClassVar[Group] = "held_in"
    max_turns: ClassVar[int] = MAX_REPLIES
    task_type: ClassVar[type[Task]] = KnowledgeGraphTask
    config_type: ClassVar[type[EnvironmentConfig]] = KnowledgeGraphConfig
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "pyoxigraph": {"backend": "embedded", "parity": "repaired"},
        "virtuoso": {"backend": "virtuoso", "parity": "repaired"},
        "pyoxigraph, strict": {"backend": "embedded", "parity": "strict"},
        "virtuoso, strict": {"backend": "virtuoso", "parity": "strict"},
    }
    """What `check --official` plays: the gold calls on both stores, without and with the original's quirks, which
    forbid about one gold chain in fourteen."""
    extra: ClassVar[str | None] = "graph"

    def __init__(self, task: KnowledgeGraphTask) -> None:
        super().__init__(task)
        self._store: SparqlStore | None = None
        self._session: Session | None = None
        self._answer: tuple[str, ...] = ()

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        """Return the generator's splits, or those of the official files."""
        settings = narrow(config, KnowledgeGraphConfig)
        if settings.official is None:
            return SPLITS
        from agenttuning.environments.worlds.graph.official import count_questions

        return count_questions(settings.official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[KnowledgeGraphTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: the official files are missing or of another format, or there is no such split.
            RecipeError: an endpoint is wanted without its address, or for generated questions.
        """
        settings = narrow(config, KnowledgeGraphConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"knowledge_graph has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        live = settings.backend == "endpoint"
        if live:
            _check_endpoint(settings)
        common = _Common(
            backend=settings.backend,
            endpoint=settings.endpoint if live else None,
            graph=settings.graph if live else None,
            parity=settings.parity or ("strict" if live else "repaired"),
            instruction=settings.read_instruction(),
        )
        if settings.official is not None:
            return _official(settings.official, split=split, seed=settings.seed, common=common)
        return _embedded(split, difficulty=settings.difficulty, seed=settings.seed, common=common)

    async def start(self) -> Sequence[Message]:
        """Load the graph; return instruction, acknowledgement, the worked example and the question."""
        task = self.task
        ontology = _ontology(task)
        self._store = connect(task.triples, backend=task.backend, endpoint=task.endpoint, graph=task.graph)
        await self._store.open()
        tools = Toolbox(self._store, ontology=ontology, parity=task.parity, known=frozenset(task.entities.values()))
        self._session = Session(tools, entities=task.entities, parity=task.parity)
        tiny = task.difficulty == "tiny"
        instruction = task.instruction or (TINY_INSTRUCTION if tiny else INSTRUCTION)
        question = f"A new question: {task.question}\nEntities: [{', '.join(task.entities)}]"
        return (
            Message(role="user", content=instruction),
            Message(role="assistant", content=ACKNOWLEDGEMENT, train=False),
            *(() if tiny else _example()),
            Message(role="user", content=question),
        )

    async def step(self, reply: str) -> Step:
        """Execute the call of a reply, or take its answer."""
        assert self._session is not None, "start() comes first"
        kept = heard(reply)
        turn = await self._session.take(kept)
        if turn.answer is not None:
            self._answer = turn.answer
        return Step(turn.observation, done=turn.answer is not None, action=turn.action, valid=turn.valid, kept=kept)

    async def score(self) -> Score:
        """Compare the answer set with the gold one."""
        given, gold = set(self._answer), set(self.task.answer)
        exact = bool(gold) and given == gold
        reward = f1(given, gold)
        metrics = {"f1": reward, "exact_match": float(exact), "executable": float(bool(given))}
        return Score(reward=reward, success=exact, metrics=metrics)

    def variant(self) -> str:
        """Name the protocol, its quirks, the store, and whether the graph is Freebase."""
        task = self.task
        rebuilt = ", reconstructed graphs: no AgentBench KG score" if task.source == RECONSTRUCTED else ""
        return f"react-2023 {task.parity}, {task.backend}{rebuilt}"

    def oracle(self) -> Iterator[str] | None:
        """Return the gold calls with a thought each, then the last variable as the answer; None without gold."""
        task = self.task
        if not task.actions:
            return None
        oracle = Oracle(
            task.actions,
            entities=task.entities,
            parity=task.parity,
            seed=task.id,
            short=task.difficulty == "tiny",
        )
        return oracle.replies(lambda: len(self._session.tools.variables) if self._session else 0)

    async def close(self) -> None:
        """Drop the graph."""
        if self._store is not None:
            await self._store.close()


def _check_endpoint(settings: KnowledgeGraphConfig) -> None:
    if settings.endpoint is None or settings.official is None:
        missing = "endpoint = 'http://host:port/sparql'" if settings.official else "official = the benchmark's data"
        raise RecipeError(f"backend 'endpoint' asks a Freebase that runs already; set {missing} too")
    if not settings.endpoint.startswith(("http://", "https://")):
        raise RecipeError(f"endpoint {settings.endpoint!r} is no http:// or https:// address; correct it")


class _Common(TypedDict):
    backend: BackendName
    endpoint: str | None
    graph: str | None
    parity: Parity
    instruction: str | None


def _embedded(split: str, *, difficulty: Difficulty, seed: int, common: _Common) -> Iterator[KnowledgeGraphTask]:
    from agenttuning.environments.worlds.graph.generator import questions

    drawn = questions(difficulty, seed=seed, test=split == "test", count=SPLITS[split])
    for index, question in enumerate(drawn):
        yield KnowledgeGraphTask(
            id=f"{difficulty}-{split}-{index}",
            difficulty=difficulty,
            shape=question.shape,
            question=question.text,
            entities=dict(question.entities),
            answer=question.answer,
            actions=question.actions,
            triples=question.triples,
            **common,
        )


def _official(path: Path, *, split: str, seed: int, common: _Common) -> Iterator[KnowledgeGraphTask]:
    from agenttuning.environments.worlds.graph.official import read_questions
    from agenttuning.environments.worlds.graph.official_ontology import find_ontology
    from agenttuning.environments.worlds.graph.reconstruction import rebuild

    folder = find_ontology(path)
    live = common["backend"] == "endpoint"
    for question in read_questions(path, split=split):
        yield KnowledgeGraphTask(
            id=f"{question.file}-{question.index}",
            source=FREEBASE if live else RECONSTRUCTED,
            shape=question.source,
            question=question.text,
            entities=dict(question.entities),
            answer=question.answer,
            actions=question.actions,
            triples=() if live else rebuild(question, folder=folder, seed=seed),
            ontology=folder,
            **common,
        )


def _example() -> tuple[Message, ...]:
    """Return the worked example as turns that are not trained on."""
    asked = [Message(role="user", content=text) for text in (QUESTION, *OBSERVATIONS)]
    told = [Message(role="assistant", content=text, train=False) for text in REPLIES]
    return tuple(message for pair in zip(asked, told, strict=True) for message in pair)


def _ontology(task: KnowledgeGraphTask) -> Ontology:
    if task.ontology is None:
        return (TINY if task.difficulty == "tiny" else FULL).ontology
    from agenttuning.environments.worlds.graph.official_ontology import read_ontology

    return read_ontology(task.ontology, parity=task.parity)
