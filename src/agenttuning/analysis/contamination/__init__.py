"""The paper's contamination rule (appendix B, after Llama 2): n-grams of an evaluation sample found in training data.

A token of the sample is contaminated when it lies inside a match: by default an exact n-gram seed (n = 10) extended to
both sides over at most `tolerance` (4) mismatching tokens in all, and ending on a matching one; strictly, every aligned
window of n tokens with at most that many mismatches, wherever they are. A sample is dirty when more than 80 % of its
tokens are contaminated, clean below 20 %. Tokens are words after folding (`words`), or ids of a tokenizer. Samples
shorter than n tokens cannot be rated and are counted apart.

Training text is read once, in pieces. With numba (extra `fast`) raw bytes are hashed to words and n-grams, and only
texts in which some hash of a sample turns up are looked at again; numpy looks at all of them. Either way a match is
made of tokens that were compared, never of equal hashes, and what is found is the same.
"""

from agenttuning.analysis.contamination.reference import Match, Reference
from agenttuning.analysis.contamination.rule import Rule
from agenttuning.analysis.contamination.tokens import words

__all__ = ["Match", "Reference", "Rule", "words"]
