"""Does a text decline the task: phrases of refusal and of resignation, in English and Chinese.

The paper names "refuse to answer" and publishes no rule. Ours looks for a speaker who says that he will not or may not
help. A wish that fails ("I cannot find the lamp, so I look elsewhere") is none.
"""

from __future__ import annotations

import re

_ENGLISH = re.compile(
    r"\bi(?:'m| am)(?: \w+)? sorry\b"
    r"|\bi(?:'m| am)(?: \w+)? (?:unable|not (?:able|allowed|permitted|programmed|designed)) to\b"
    r"|\bi (?:do not|don't) (?:feel comfortable|have the (?:ability|capability|capacity)|have access to)\b"
    r"|\bmy (?:apologies|apology)\b|(?:^|[.!?,;:]\s*)i apologi[sz]e\b"
    r"|\bi (?:must|have to|will have to|need to) (?:decline|refuse)\b"
    r"|\bi (?:can(?:'t|not| not)|won't|will not|refuse to) "
    r"(?:\w+ )?(?:answer|assist|complete|comply|continue|engage|fulfil+|help|participate|perform|proceed|provide"
    r"|support)\b"
    r"|\bas an? (?:ai|artificial intelligence|(?:large )?language model|(?:virtual |text-based )?assistant)\b"
    r"|\b(?:it is|it's|that is|that's|this is) (?:against|beyond|outside) my\b"
    r"|\bi(?:'m| am) (?:just|only) an? (?:ai|assistant|language model|(?:ai )?(?:chat)?bot|program)\b",
    re.IGNORECASE | re.MULTILINE,
)
_CHINESE = re.compile(
    r"抱歉|对不起|很遗憾|請原諒|请原谅|恕我"
    r"|我(?:真的|恐怕|实在|暂时)?(?:无法|不能|不可以|没有办法|没办法|無法)(?:为您|为你|帮您|帮你|给您|給您)?"
    r"(?:回答|提供|完成|协助|协助您|帮助|執行|执行|处理|满足|继续|参与|这样做|做到)"
    r"|(?:作为|身为|作為)(?:一个|一個|一名)?(?:人工智能|AI|ai|语言模型|大(?:型)?语言模型|语言助手|虚拟助手|聊天机器人)"
    r"|我只是(?:一个|一個)(?:人工智能|AI|语言模型|程序|机器人)"
    r"|超出了?我的能力|我拒绝",
)
_GIVEN_UP = re.compile(
    r"\bi (?:give|am giving|have to give|must give) up\b|\bi'm giving up\b"
    r"|\b(?:can(?:'t|not| not)|could(?:n't| not)) (?:be )?(?:find|found|determine[d]?|answer(?:ed)?|sol(?:ve|ved))\b"
    r"|\b(?:do not|don't|did not|didn't) know\b"
    r"|\bno (?:answer|result|solution|information|data|such \w+)s?\b(?: (?:was|is|were|could be) )?(?:found|available)?"
    r"|\bnot (?:possible|found|available|enough information)\b|\bunknown\b|\bimpossible\b|\bn/?a\b"
    r"|放弃|不知道|找不到|没有答案|无法确定|无解",
    re.IGNORECASE,
)


def declines(text: str) -> bool:
    """Tell whether a reply refuses its task, in English or Chinese."""
    return bool(_ENGLISH.search(_plain(text)) or _CHINESE.search(text))


def gives_up(text: str) -> bool:
    """Tell whether an answer says that there is none, or that its giver has stopped looking."""
    return _GIVEN_UP.search(_plain(text)) is not None


def _plain(text: str) -> str:
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
