"""MMLU, GSM8K and HumanEval through lm-eval: the general tests of the paper (section 3.1) on the user's own files."""
