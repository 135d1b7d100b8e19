"""The Linux world: problems for a shell, how they are set up, judged and solved."""
