"""Short words of chats and messages, in small letters: said in full, or by their letters where people do so."""

from __future__ import annotations

import re

from .find import Kind, kind
from .letters import spell
from .one_of import one_of

SAID = {
    "btw": "by the way", "idk": "I don't know", "idc": "I don't care", "imo": "in my opinion", "brb": "be right back",
    "imho": "in my humble opinion", "ngl": "not gonna lie", "tbh": "to be honest", "afaik": "as far as I know",
    "iirc": "if I recall correctly", "ttyl": "talk to you later", "gtg": "got to go", "g2g": "got to go",
    "irl": "in real life", "nvm": "never mind", "thx": "thanks", "tnx": "thanks", "pls": "please", "plz": "please",
    "plss": "please", "ur": "your", "b4": "before", "gr8": "great", "l8r": "later", "l8": "late", "m8": "mate",
    "w8": "wait", "h8": "hate", "str8": "straight", "2nite": "tonight", "2moro": "tomorrow", "2day": "today",
    "4ever": "forever", "sry": "sorry", "srsly": "seriously", "msg": "message", "msgs": "messages", "ppl": "people",
    "omw": "on my way", "ikr": "I know right", "jk": "just kidding", "tysm": "thank you so much",
    "ily": "I love you", "ilysm": "I love you so much", "ofc": "of course", "hmu": "hit me up",
    "wyd": "what are you doing", "wya": "where are you at", "hbu": "how about you", "wbu": "what about you",
    "icymi": "in case you missed it", "fwiw": "for what it's worth", "ftw": "for the win",
    "iykyk": "if you know you know",
    "istg": "I swear to god", "smth": "something", "sth": "something", "tmr": "tomorrow", "tmrw": "tomorrow",
    "bday": "birthday", "abt": "about", "cuz": "because", "bc": "because", "rly": "really", "prob": "probably",
    "probs": "probably", "obvs": "obviously", "defo": "definitely", "def": "definitely", "y'know": "you know",
    "lmk": "let me know", "tbf": "to be fair", "ttys": "talk to you soon", "cya": "see ya", "hbd": "happy birthday",
    "wdym": "what do you mean", "wym": "what do you mean", "hru": "how are you", "idek": "I don't even know",
    "idts": "I don't think so", "nvr": "never", "gj": "good job", "gtk": "good to know", "mb": "my bad",
    "otw": "on the way", "tgif": "thank god it's friday", "wth": "what the hell",
    "jsyk": "just so you know", "nbd": "no big deal", "ig": "I guess", "tho": "though", "thru": "through",
    "k thx": "okay thanks", "kk": "okay", "bf": "boyfriend", "gf": "girlfriend", "bff": "best friend forever",
    "dmg": "damage", "mtg": "meeting", "lvl": "level", "ilvl": "item level",
}  # fmt: skip
SPELLED = (
    "lol ffs fml stfu gtfo idgaf omg omfg wtf lmao lmfao rofl fyi afk gg ggwp tldr ootd ama eli5 tfw mfw otp "
    "nsfw sfw pfp diy faq faqs usb url urls "
    "pdf pdfs html css sql api apis gpu gpus cpu cpus ssd hdd gps dvd dvds vip vpn adhd hdmi lcd http https isp "
    "rpg npc npcs "
    "pvp pve mmo mmorpg rgb jpg png ceo cfo cto nyc usa xp hp dlc dps llm llms gpt".split()
)
"""Said by their letters."""

_CLAUSE_ENDS = r"(?=\s*(?:[.,!?;:)…]|$|\n)|\s(?:but|and|so|lol|tbh|imo|because|cuz|bc)\b)"
_AT_ENDS = {
    "rn": "right now", "np": "no problem", "ty": "thank you", "fr": "for real", "smh": "shaking my head",
    "wp": "well played", "nm": "not much", "yw": "you're welcome", "gm": "good morning", "gn": "good night",
    "hf": "have fun", "gl": "good luck", "oml": "oh my lord", "atm": "at the moment", "asf": "as hell",
}  # fmt: skip
"""Other things as well: only where a clause ends behind them."""

_EVERYWHERE = {**SAID, **{word: spell("eli") + " five" if word == "eli5" else spell(word) for word in SPELLED}}
_CAPITALISED = {word.capitalize(): words for word, words in _EVERYWHERE.items()}
_OTHERS = frozenset(("Ur", "Def", "Prob", "Ig", "Bc", "Sth", "Ama", "Gg", "Bf", "Gf"))
"""With a capital these are names, or more often something else."""

_WORDS = _EVERYWHERE | {word: words for word, words in _CAPITALISED.items() if word not in _OTHERS}
_NO_LETTER = r"(?!\s?(?:=|is\b|are\b|squared|and [a-z]\b|or [a-z]\b)|\))"


_PHRASES = {
    "fr fr": "for real for real", "gl hf": "good luck have fun", "gg wp": f"{spell('gg')} well played",
    "no u": "no you",
    "c u": "see you", "C u": "see you", "r u": "are you", "ur": "you're",
}  # fmt: skip


def _two_at_once(match: re.Match[str]) -> str:
    """gl hf, gg wp, fr fr."""
    return _PHRASES[match.group()]


CHAT: tuple[Kind, ...] = (
    kind(
        "chat",
        r"\b(?:fr fr|gl hf|gg wp|no u|[Cc] u)\b|(?m:^)r u\b|\bur(?= (?:welcome|so|not|a|the|right|wrong|gonna|"
        r"too|just|such|late|cute|funny|crazy|kidding|[a-z]{3,}ing)\b)",
        _two_at_once,
        needs_digit=False,
        hint=r"\b(?:fr|gl|gg|no|[Cc]|r) [fhwu]|ur ",
    ),
    kind(
        "chat",
        rf"(?<![\w.@#/&'-])(?:{one_of(_WORDS)})(?![\w@/&'-]|\.\w)",
        lambda match: _WORDS[match.group()],
        needs_digit=False,
    ),
    kind(
        "chat",
        rf"(?<=[a-z,.!?\ufffc] )({one_of(_AT_ENDS)}){_CLAUSE_ENDS}|(?m:^)(np|ty|nm|yw|gm|gn)(?=[ ,.!?])(?! \d)|"
        rf"(?m:^){one_of(_AT_ENDS)}(?=\s*[.!?…]*$)",
        lambda match: _AT_ENDS[match.group()],
        needs_digit=False,
    ),
    kind("chat", r"\b[Tt]l;?dr\b", spell("tldr"), needs_digit=False, hint="l;?dr"),
    kind(
        "chat",
        r"\bdm(s?)(?= (?:me|us|him|her|them|for|if|are|open)\b)",
        lambda match: spell("dm") + match.group(1),
        needs_digit=False,
        hint=" ?dms? ",
    ),
    kind(
        "chat",
        r"(?<![\w.,$£€:/+*=×-])(?<!\d )4(?= (?:u|ur)\b)|(?<=[a-z\ufffc] )4(?= (?:me|you|your|real|sure|the win|"
        r"the help|ever)\b)",
        "for",
        hint=r"\b4 ",
    ),
    kind("chat", r"(?<=[a-z] )2(?= (?:u|me|ur|do|go|be|see|get|say)\b)", "to", hint=" 2 "),
    kind(
        "chat",
        rf"(?<![\w.'/-])(?<!o, )(?<!, and )(?<!, or )(?<!the )(?<!letter )u(?![\w'/-]|\.\w){_NO_LETTER}",
        "you",
        needs_digit=False,
        needs="u",
    ),
    kind(
        "chat",
        rf"(?:(?<=\bu )|(?<=\bwe )|(?<=you )|(?<=they )|(?<=how )|(?<=where )|(?<=why )|(?<=what )|(?<=[a-z]s )|"
        rf"(?<=\ufffc ))r(?= [a-z\ufffc]){_NO_LETTER}",
        "are",
        needs_digit=False,
        hint=" r ",
    ),
)
"""Before measures and models, which would take l8r for a code."""
