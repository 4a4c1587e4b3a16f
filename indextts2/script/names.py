"""Which words before a colon are a speaker's name: those known from elsewhere, used twice, or names by their looks.

A word and a colon alone is no proof: "Remember: be nice." is all speech.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LABELS = frozenset(
    """
    about added addendum advantage advice agenda also alternatively analysis answer attention author background because
    beware bonus bottom breaking brief case caution caveat chapter check choose cite clue comment conclusion confession
    congratulations consider context correction cost date deadline decide definition description details difference
    directions disclaimer discuss discussion downside easy edit email episode error etc evidence example examples
    exception exercise fact facts figure finally first following footnote formula found fun given goal good guess
    headline hence here hint hints history homework hours how idea imagine important including ingredients input
    instructions instead introduction is issue just key keywords language last later learn lesson list listen location
    look looking maybe meaning meanwhile method mission moral motto my name news next nb no notes note notice now
    number objective obviously ok okay one only option or order otherwise outcome output overview part path people
    perhaps phone place plan please plot point practice preface prerequisites price problem problems procedure process
    pros cons proof proverb ps purpose question questions quick quote rating read reality reason reasons recall recap
    recipe recommended reference references related remark remember reminder repeat reply report requirement
    requirements resources rest result results review reward rule rules saying says second section see seriously serves
    seven shot similarly simple simply size so solution some sorry source sources spoiler spoilers starring status step
    steps still stop story subject suggestion summary surprise syntax table tags take takeaway task tech ten test thanks
    that the their then there therefore these thesis things think third this three thus time timeline tip tips title to
    today todo tomorrow tonight tools topic topics total translation trick true truth try two unfortunately update
    updates upside usage version verse vol volume wait wanted warning warnings watch we week what when where which who
    why winner wish with word words written yes yesterday yet you your
    """.split()
)
"""Words that head a sentence or a list. They are speakers only where a cast or a header says so."""

ROLES = frozenset(
    """
    announcer anchor all audience boss both boy captain chief child children chorus clerk coach commander computer cop
    crowd dad daughter detective doctor driver everyone father friend general ghost girl grandma grandpa guard guest
    guide host hostess interviewer judge king kid lady lawyer leader lieutenant man master men monster mom mother mum
    narrator nurse officer operator pilot pirate police president prince princess professor queen radio reporter robot
    sergeant singer soldier son speaker stranger student teacher tv twin uncle aunt voice voiceover waiter waitress
    wife husband witch wizard woman women
    """.split()
)
FIRST_NAMES = frozenset(
    """
    aaron abby abigail ada adam adrian agnes alan albert alex alexander alexis alfred alice alicia alison allen alma
    amanda amber amelia amy ana andrea andrew andy angela anita ann anna anne annie anthony antonio arthur ashley
    audrey barbara barry beatrice becky ben benjamin bernard beth betty bill billy bob bobby brad bradley brandon
    brenda brian bruce bryan calvin cameron carl carla carlos carmen carol caroline carrie catherine cathy cecilia
    charles charlie charlotte cheryl chloe chris christian christina christine christopher cindy claire clara clark
    claude claudia colin connie connor craig crystal cynthia daisy dale dan dana daniel danielle danny dave david dawn
    dean debbie deborah debra denise dennis derek diana diane dolores don donald donna dora doris dorothy douglas dylan
    earl eddie edgar edith edna edward edwin eileen elaine eleanor elena eli elizabeth ella ellen elliot elsa emily
    emma eric erica erik erin ernest esther ethan eugene eva evan evelyn faye felix fiona florence frances francis
    frank fred frederick gabriel gail gary gavin gene george gerald geraldine gilbert gina gladys glenn gloria gordon
    grace graham greg gregory guy gwen hailey hannah harold harriet harry harvey hazel heather hector helen henry
    herbert herman holly howard hugh hugo ian ida ingrid irene iris isaac isabel isabella ivan jack jackie jackson
    jacob jake james jamie jane janet janice jason jay jean jeff jeffrey jen jennifer jenny jeremy jerome jerry jesse
    jessica jill jim jimmy joan joanna joe joel john johnny jon jonathan jordan jose joseph josephine joshua joy joyce
    juan juanita judith judy julia julian julie justin karen karl kate katherine kathleen kathryn kathy katie kayla
    keith kelly ken kenneth kevin kim kimberly kyle larry laura lauren laurie lawrence leah lee lena leo leon leonard
    leroy leslie lewis liam lila lillian lily linda lisa lloyd logan lois lola lori lorraine louis louise lucas lucia
    lucy luis luke lydia lynn mabel madison mandy manuel marc marcia marcus margaret maria marie marilyn mario marion
    marjorie mark marlene martha martin marvin mary mason matthew matt maureen maurice max megan melanie melissa melvin
    mercedes mia michael michelle miguel mike mildred milo mona monica morgan nancy naomi natalie natasha nathan neil
    nicholas nick nicole nina noah nora norma norman oliver olivia oscar otto owen pam pamela patricia patrick paul
    paula pauline pedro peggy penny pete peter phil philip phillip phoebe phyllis polly rachel ralph ramon randy ray
    raymond rebecca regina rex rhonda ricardo richard rick ricky rita rob robert roberta robin rodney roger roland ron
    ronald rosa rose rosemary ross roy ruby russell ruth ryan sally sam samantha samuel sandra sandy sara sarah scott
    sean sebastian shannon sharon shawn sheila shelly sherlock shirley sidney simon sofia sonia sophia sophie stacy
    stan stanley stella stephanie stephen steve steven stuart sue susan suzanne sylvia tamara tara ted teresa terry
    thelma theodore theresa thomas tim timothy tina todd tom tommy toni tony tracy travis troy tyler valerie vanessa
    vera vernon veronica vicki victor victoria vincent viola violet virginia vivian wade wallace walter wanda warren
    watson wayne wendy wesley wilbur william willie yolanda yvonne zachary zoe
    """.split()
)
TITLES = frozenset("mr mrs ms miss dr prof sir lady lord captain capt old young aunt uncle king queen".split())
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_HAN_NAME = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af·]{1,8}")
SHORTEST_SHOUT = 2  # letters of a name in capitals


def known_speakers(candidates: Iterable[str], certain: Iterable[str] = ()) -> frozenset[str]:
    """Which of the words before colons are speakers, in folded case, with all that are certain.

    candidates: one for every time it stands before a colon. certain: from the cast, headers in brackets, voice marks.
    """
    counts = Counter(name.casefold() for name in candidates)
    looks = {name.casefold(): name for name in candidates}
    sure = frozenset(name.casefold() for name in certain if name)
    return sure | {
        name for name, count in counts.items() if not _is_label(name) and (count > 1 or looks_like_name(looks[name]))
    }


def _is_label(name: str) -> bool:
    words = _WORD.findall(name)
    return not words or words[0].replace(".", "") in LABELS


def looks_like_name(name: str) -> bool:
    """Whether a word before a colon is a name even if it stands there once: capitals, a first name, a title, a role."""
    if _HAN_NAME.fullmatch(name):
        return True
    words = [word.rstrip(".").casefold() for word in _WORD.findall(name)]
    letters = [character for character in name if character.isalpha()]
    if len(letters) >= SHORTEST_SHOUT and name.isupper():
        return True
    if len(words) == 1:
        return words[0] in FIRST_NAMES or words[0] in ROLES
    return bool(words) and (words[-1] in ROLES or words[0] in TITLES)
