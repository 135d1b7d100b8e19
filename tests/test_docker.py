"""The compose files: what Compose itself makes of them, and what a user relies on. No engine is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from agenttuning.core.records import Message
from agenttuning.serving.proxy_settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docker"
MODELS = {"7b": (30007, 4, 1), "13b": (30013, 4, 1), "70b": (30070, 2, 4)}
ALL_PROFILES = "replicas-2,replicas-3,replicas-4,7b,13b,70b"
PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+\.\d+$")

Service = dict[str, object]


def _works(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def compose_command() -> list[str] | None:
    if shutil.which("docker") and _works(["docker", "compose", "version"]):
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def resolved(name: str, folder: Path, *, variables: Mapping[str, str]) -> dict[str, Service]:
    """Return the services as `docker compose config` resolves them."""
    command = compose_command()
    if command is None:
        pytest.skip("no Compose here; install it with `apt-get install docker-compose`")
    for path in FOLDER.iterdir():
        text = path.read_text()
        # Compose 1 knows no project name in the file.
        kept = re.sub(r"(?m)^name:.*\n", "", text) if command == ["docker-compose"] else text
        (folder / path.name).write_text(kept)
    environment = {name: os.environ[name] for name in ("HOME", "PATH")} | dict(variables)
    told = subprocess.run(
        [*command, "-f", name, "config"], check=False, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    services: dict[str, Service] = yaml.safe_load(told.stdout)["services"]
    return services


def read(name: str) -> dict[str, Service]:
    """Return the services as they are written, `extends` followed."""
    shared = yaml.safe_load((FOLDER / "services.yaml").read_text())["services"]
    services = yaml.safe_load((FOLDER / name).read_text())["services"]
    return {key: {**shared.get(own.get("extends", {}).get("service"), {}), **own} for key, own in services.items()}


def devices(service: Service) -> list[str]:
    text = json.dumps(service["deploy"])
    (found,) = json.loads(text)["resources"]["reservations"]["devices"]
    assert (found["driver"], found["capabilities"]) == ("nvidia", ["gpu"])
    return [str(number) for number in found["device_ids"]]


@pytest.mark.parametrize("size", MODELS)
def test_compose_resolves_every_replica_onto_gpus_of_its_own(size: str, tmp_path: Path) -> None:
    _, replicas, gpus = MODELS[size]
    services = resolved(f"agentlm-{size}.yaml", tmp_path, variables={"COMPOSE_PROFILES": ALL_PROFILES})
    assert sorted(services) == sorted(["gateway", *(f"replica-{number}" for number in range(replicas))])
    used = [devices(services[f"replica-{number}"]) for number in range(replicas)]
    assert [len(numbers) for numbers in used] == [gpus] * replicas
    assert len({number for numbers in used for number in numbers}) == gpus * replicas


def test_compose_resolves_the_legacy_server(tmp_path: Path) -> None:
    services = resolved("tgi-legacy.yaml", tmp_path, variables={"COMPOSE_PROFILES": ALL_PROFILES})
    assert sorted(services) == ["agentlm-13b", "agentlm-70b", "agentlm-7b"]
    assert all("4096" in str(service["environment"]) for service in services.values())


@pytest.mark.parametrize("size", MODELS)
def test_replicas_by_one_variable(size: str) -> None:
    _, replicas, _ = MODELS[size]
    services = read(f"agentlm-{size}.yaml")
    for wanted in range(1, replicas + 1):
        running = [
            name
            for name, service in services.items()
            if "profiles" not in service or f"replicas-{wanted}" in str(service["profiles"])
        ]
        assert len(running) == wanted + 1


@pytest.mark.parametrize("size", MODELS)
def test_the_gateway_stands_on_the_known_port_before_all_replicas(size: str) -> None:
    port, replicas, gpus = MODELS[size]
    services = read(f"agentlm-{size}.yaml")
    gateway = services["gateway"]
    assert gateway["ports"] == [f"${{BIND:-127.0.0.1}}:{port}:8080"]
    words = [str(word) for word in yaml.safe_load(json.dumps(gateway["command"]))]
    urls = [word for word in words if word.startswith("http")]
    assert urls == [f"http://replica-{number}:8000" for number in range(replicas)]
    settings = dict(word.split("=", 1) for word in words if word not in urls)
    assert settings.keys() <= GatewaySettings.model_fields.keys()
    assert (settings["host"], settings["port"]) == ("0.0.0.0", "8080")
    flags = [str(word) for word in yaml.safe_load(json.dumps(services["replica-0"]["command"]))]
    assert ("--tensor-parallel-size=4" in flags) == (gpus == 4)
    assert "--max-model-len=4096" in flags


@pytest.mark.parametrize("name", ["agentlm-7b.yaml", "agentlm-13b.yaml", "agentlm-70b.yaml", "tgi-legacy.yaml"])
def test_what_every_production_service_has(name: str) -> None:
    for key, service in read(name).items():
        default = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(service["image"]))
        assert PINNED.match(default), default
        assert service["restart"] == "unless-stopped"
        assert {"logging", "stop_grace_period"} <= service.keys()
        if key != "gateway":
            assert {"healthcheck", "shm_size", "deploy"} <= service.keys()


def test_the_image_holds_what_the_package_is_built_from() -> None:
    dockerfile = (FOLDER / "gateway.Dockerfile").read_text()
    (copied,) = re.findall(r"(?m)^COPY (.*) \./$", dockerfile)
    allowed = (FOLDER / "gateway.Dockerfile.dockerignore").read_text()
    for name in [*copied.split(), "src"]:
        assert (ROOT / name).exists()
        assert f"!{name}\n" in allowed


def test_the_template_file_renders_as_the_paper_does() -> None:
    from jinja2 import TemplateError

    from agenttuning.models.chat_template import Llama2Template
    from agenttuning.policies.tgi import _llama2_marks

    tokenizer = _llama2_marks()
    template = (FOLDER / "llama2.jinja").read_text()
    ours = Llama2Template(tokenizer)
    turns = [("user", " Go to the desk.\n"), ("assistant", " Act: go "), ("user", "You see \n a pen."), ("user", "x")]
    for system in ([], [("system", " Be brief.\n")]):
        for end in (1, 3):
            messages = [Message(role=role, content=text) for role, text in [*system, *turns[:end]]]  # type: ignore[arg-type]
            told = [{"role": message.role, "content": message.content} for message in messages]
            text = tokenizer.apply_chat_template(told, chat_template=template, tokenize=False)
            assert text == "<s>" + ours.prompt_text(messages)
    with pytest.raises(TemplateError, match="turns must alternate"):
        tokenizer.apply_chat_template(
            [{"role": role, "content": text} for role, text in turns], chat_template=template, tokenize=False
        )
