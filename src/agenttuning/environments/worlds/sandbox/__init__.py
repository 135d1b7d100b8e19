"""A confined Linux: a persistent shell and programs beside it, held by bubblewrap, docker, podman or nothing."""
