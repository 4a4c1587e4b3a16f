"""Who speaks in a printed play: MACB., 1 Witch., LADY M. at the beginning of a row."""

from __future__ import annotations

import re

from .. import english_numbers as numbers
from .find import Kind, kind
from .letters import is_word

SPEAKERS = {
    "macb": "macbeth", "macd": "macduff", "banq": "banquo", "ban": "banquo", "dun": "duncan", "mal": "malcolm",
    "len": "lennox", "don": "donalbain", "siw": "siward", "sey": "seyton", "hec": "hecate", "ham": "hamlet",
    "oph": "ophelia", "pol": "polonius", "laer": "laertes", "hor": "horatio", "guil": "guildenstern",
    "rosen": "rosencrantz", "ger": "gertrude", "mar": "marcellus", "ber": "bernardo", "fran": "francisco",
    "fort": "fortinbras", "osr": "osric", "rom": "romeo", "jul": "juliet", "mer": "mercutio", "merc": "mercutio",
    "ben": "benvolio", "benv": "benvolio", "tyb": "tybalt", "cap": "capulet", "mon": "montague", "par": "paris",
    "fri": "friar", "greg": "gregory", "samp": "sampson", "oth": "othello", "des": "desdemona", "emil": "emilia",
    "cas": "cassio", "rod": "roderigo", "bra": "brabantio", "gon": "goneril", "reg": "regan", "cor": "cordelia",
    "edm": "edmund", "edg": "edgar", "glou": "gloucester", "glo": "gloucester", "alb": "albany", "corn": "cornwall",
    "bru": "brutus", "caes": "caesar", "ant": "antony", "cleo": "cleopatra", "oct": "octavius", "por": "portia",
    "shy": "shylock", "bass": "bassanio", "lor": "lorenzo", "jes": "jessica", "gra": "gratiano", "ner": "nerissa",
    "laun": "launcelot", "sal": "salarino", "pros": "prospero", "mir": "miranda", "ari": "ariel", "cal": "caliban",
    "fer": "ferdinand", "gonz": "gonzalo", "alon": "alonso", "seb": "sebastian", "trin": "trinculo",
    "steph": "stephano", "ober": "oberon", "obe": "oberon", "tit": "titania", "tita": "titania", "bot": "bottom",
    "her": "hermia", "hel": "helena", "lys": "lysander", "dem": "demetrius", "thes": "theseus", "hip": "hippolyta",
    "quin": "quince", "vio": "viola", "oli": "olivia", "ors": "orsino", "malv": "malvolio", "beat": "beatrice",
    "bene": "benedick", "claud": "claudio", "dog": "dogberry", "leon": "leonato", "fal": "falstaff",
    "hot": "hotspur", "buck": "buckingham", "hast": "hastings", "rich": "richard", "petr": "petruchio",
    "pet": "petruchio", "kath": "katharina", "tra": "tranio", "luc": "lucentio", "ros": "rosalind", "orl": "orlando",
    "touch": "touchstone", "jaq": "jaques", "serv": "servant", "mess": "messenger", "cit": "citizen",
    "sold": "soldier", "off": "officer", "clo": "clown", "att": "attendant", "chor": "chorus", "prol": "prologue",
    "epil": "epilogue", "doct": "doctor", "gent": "gentleman", "mur": "murderer", "app": "apparition",
    "sen": "senator", "nur": "nurse", "lady m": "lady macbeth", "lady macb": "lady macbeth",
    "lady macd": "lady macduff", "lady cap": "lady capulet", "sir to": "sir toby", "sir and": "sir andrew",
}  # fmt: skip
"""Short form at the head of a speech to the name."""

_CAST = frozenset(
    "witch lord lady murderer servant citizen soldier officer messenger senator gentleman gentlewoman player watch "
    "watchman guard apparition fairy sailor outlaw keeper carrier captain bandit stranger goth roman conspirator page "
    "priest queen musician fisherman knight man woman boy girl voice neighbour neighbor attendant clown w"
    "arder merchant "
    "drawer groom ambassador friend peasant patrician tribune hunter huntsman shepherd nun monk sergeant student guest "
    "policeman workman nurse doctor".split()
)
"""Parts of which a play has several: 1 Witch., 2 Lord."""

_NAME = r"(?:L(?:ADY|ady) |S(?:IR|ir) )?[A-Z][A-Za-z]+|L(?:ADY|ady) M"


def _speech(match: re.Match[str]) -> str | None:
    """The name of the one who speaks, with a point; none for a word that a sentence may end with."""
    number, short = match.group(1), match.group(2)
    name = SPEAKERS.get(short.lower(), short.lower())
    if number:
        if name not in _CAST:
            return None
        return f"{numbers.ordinal(int(number))} {name}."
    known = short.lower() in SPEAKERS and (short.isupper() or not is_word(short.rpartition(" ")[2]))
    return f"{name}." if known else None


PLAYS: tuple[Kind, ...] = (
    kind(
        "speech",
        rf"(?m)^[ \t]*(?:([1-9])\.? )?({_NAME})\.(?=[ \t]+(?![A-Z][a-z]*\.)[\"'(\[_]?[A-Z'])",
        _speech,
        needs_digit=False,
        needs=".",
    ),
)
"""Heads of speeches."""
