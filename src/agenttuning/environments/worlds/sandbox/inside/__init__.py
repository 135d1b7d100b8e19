"""What runs inside a sandbox, under a private copy of Python: few modules of the standard library, nothing else."""
