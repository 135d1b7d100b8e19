"""A program for an environment with langchain-huggingface: asks a server, and prints what it heard as JSON."""

import json
import sys

from langchain_huggingface import HuggingFaceEndpoint


def main(url: str) -> None:
    """Ask whole, in a stream, and with a stop string."""
    model = HuggingFaceEndpoint(endpoint_url=url, max_new_tokens=6, seed=3, task="text-generation")
    whole = model.invoke("Where is")
    pieces = list(model.stream("Where is"))
    stop = whole[3:5]
    stopped = model.invoke("Where is", stop=[stop])
    told = {"whole": whole, "pieces": pieces, "streamed": "".join(pieces), "stop": stop, "stopped": stopped}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
