"""The cross-encoder: what it reads, and that it ranks by what the model says."""

from pathlib import Path

import pytest

from agenttuning.environments.worlds.sites.page import NODE, Page

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PAGE = Page(
    f'<html {NODE}="0"> <body {NODE}="1" role="main"> <div {NODE}="2"> <a {NODE}="3" title="Go"> <text {NODE}="4">'
    f'Search (all)</text> </a> <a {NODE}="5"> <text {NODE}="6">Help</text> </a> </div> </body> </html>'
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a two-layer random BERT that knows letters."""
    folder = tmp_path_factory.mktemp("encoder")
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=1,
    )
    torch.manual_seed(3)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_an_element_is_told_with_the_way_to_it() -> None:
    from agenttuning.environments.worlds.sites.cross_encoder import describe

    assert describe(PAGE, "3") == "ancestors: /html/body main/div/a Help\ntarget: (a id=0 go Search (all) )"
    assert describe(PAGE, "0").startswith("ancestors: \ntarget: (html id=0 (body main")


def test_candidates_are_ranked_by_the_models_score(model: Path) -> None:
    from agenttuning.environments.worlds.sites.cross_encoder import CrossEncoder, describe

    encoder = CrossEncoder(str(model))
    nodes = ("1", "2", "3", "5")
    ranked = encoder.rank(PAGE, nodes, task="Find help", previous=["a", "b", "c", "d"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(model).eval()
    scores = {}
    for node in nodes:
        pair = tokenizer(
            describe(PAGE, node),
            "task is: Find help\nPrevious actions: b; c; d",
            truncation=True,
            max_length=512,
            return_tensors="pt",
        )
        with torch.inference_mode():
            scores[node] = network(**pair).logits.item()
    assert len(set(scores.values())) == len(nodes)
    assert sorted(nodes, key=ranked.__getitem__) == sorted(nodes, key=lambda node: -scores[node])
    assert encoder.rank(PAGE, nodes, task="Find help", previous=["a", "b", "c", "d"]) == ranked
