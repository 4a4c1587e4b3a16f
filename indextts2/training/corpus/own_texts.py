"""Sentences written for this corpus: patterns with slots, filled at random: talk, questions, orders, numbers."""

from __future__ import annotations

import re

import numpy as np

_SLOT = re.compile(r"\{(\w+)\}")

SLOTS: dict[str, tuple[str, ...]] = {
    name: tuple(choice.strip() for choice in choices.split("|"))
    for name, choices in {
        "name": (
            "Anna|Ben|Clara|Daniel|Emma|Frank|Grace|Henry|Isabel|James|Karen|Leo|Maria|Nora|Oliver|Peter|Rachel|"
            "Sam|Thomas|Victor|Wendy|Julia|George|Alice|Simon|Laura|Martin|Helen|Robert|Sophie|Eric|Diana|Paul|"
            "Ruth|Jack|Molly"
        ),
        "person": (
            "my brother|my sister|our neighbor|the doctor|the teacher|my uncle|her cousin|the baker|the driver|"
            "the old farmer|his grandmother|the nurse|the new manager|my best friend|the captain|the gardener|"
            "their lawyer|the young waiter|your father|the shopkeeper|the museum guard|the girl next door|"
            "our coach|the tailor"
        ),
        "number": (
            "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
            "eighteen|twenty|twenty one|thirty|thirty five|forty|forty two|fifty|sixty four|seventy|eighty seven|"
            "ninety nine|one hundred|two hundred|three hundred and six|five thousand|seventeen|nineteen|a dozen"
        ),
        "hour": (
            "one|two|three|four|five|six|seven|eight|nine|ten|eleven|half past two|half past seven|"
            "a quarter to nine|a quarter past five|noon|midnight|six thirty|eight fifteen|ten forty five"
        ),
        "unit": "minutes|hours|days|weeks|months|years|miles|pages|people|boxes|letters|chairs|apples|tickets|bottles",
        "day": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|next week|this weekend|tonight",
        "month": "January|February|March|April|May|June|July|August|September|October|November|December",
        "place": (
            "the station|the harbor|the old bridge|the library|the market|the park|the airport|the bakery|"
            "the river|the school|the theater|the village|the hospital|the beach|the castle|the post office|"
            "the garage|the forest|the corner shop|the mountain hut|the swimming pool|the town hall|the valley|"
            "the island|the kitchen|the church"
        ),
        "city": "London|Paris|Chicago|Boston|Berlin|Dublin|Sydney|Toronto|Rome|Madrid|Vienna|Denver|Oslo|Tokyo|Cairo",
        "thing": (
            "umbrella|key|jacket|bicycle|camera|blanket|hammer|basket|ladder|guitar|mirror|notebook|suitcase|"
            "teapot|telephone|painting|candle|pillow|envelope|shovel|violin|wallet|compass|lantern|radio|kettle|"
            "scarf|necklace|passport|puzzle|rope|saddle|telescope|trumpet|watch|wheel|vase|toothbrush|bucket|"
            "carpet|drum|feather|helmet"
        ),
        "things": (
            "shoes|gloves|books|flowers|coins|cookies|photographs|pencils|plates|stamps|tools|toys|windows|"
            "curtains|mushrooms|cherries|onions|sandwiches|potatoes|oranges|eggs|dishes|papers|glasses|candles|"
            "stories|pictures"
        ),
        "food": (
            "bread|soup|cheese|rice|chicken|fish|salad|cake|pie|honey|butter|coffee|tea|chocolate|ice cream|"
            "pepper|lemon juice|breakfast|lunch|supper|toast|pasta|beans|garlic|orange juice|apple pie|mustard|"
            "pancakes"
        ),
        "animal": (
            "dog|cat|horse|cow|bear|fox|owl|rabbit|goose|duck|sheep|goat|wolf|eagle|turtle|mouse|squirrel|pony|"
            "parrot|frog|snake|spider|bee|dolphin|monkey|lion|tiger|elephant|donkey|rooster|hedgehog|beaver"
        ),
        "color": "red|blue|green|yellow|orange|purple|gray|brown|white|black|pink|silver|golden|dark blue|bright green",
        "size": (
            "small|large|tiny|huge|heavy|narrow|wide|tall|short|thick|broken|wooden|rusty|shiny|dusty|ancient|brand new"
        ),
        "good": "wonderful|lovely|perfect|brilliant|fantastic|delightful|amazing|great|beautiful|splendid|charming",
        "bad": "awful|terrible|horrible|disgusting|strange|dreadful|ridiculous|rotten|nasty|unfair|filthy|boring",
        "feel": (
            "happy|tired|nervous|angry|proud|lonely|hungry|sleepy|worried|curious|confused|grateful|cheerful|"
            "afraid|jealous|calm|thirsty|excited|surprised|upset|relieved|hopeful|ashamed|bored|thankful|restless"
        ),
        "how": (
            "slowly|quickly|quietly|carefully|gently|loudly|suddenly|patiently|happily|sadly|nervously|proudly|"
            "softly|politely|bravely|calmly|eagerly|firmly|gladly|rudely|silently|wisely|clumsily|cheerfully"
        ),
        "weather": "rain|snow|fog|wind|sunshine|thunder|frost|hail|heat|storm|cold|ice",
        "job": (
            "pilot|painter|dentist|engineer|plumber|singer|writer|judge|fisherman|carpenter|chemist|actor|farmer|"
            "nurse|soldier|tailor|butcher|sailor|journalist|photographer|mechanic|professor|dancer|clown|"
            "detective"
        ),
        "room": "kitchen|bedroom|attic|cellar|hallway|bathroom|garden|garage|office|living room|dining room|workshop",
        "did": (
            "opened|closed|lost|found|dropped|cleaned|painted|carried|borrowed|sold|bought|hid|repaired|wrapped|"
            "stole|washed|forgot|packed|broke|fixed|grabbed|touched|noticed|admired|polished|moved|returned|"
            "lifted"
        ),
        "do": (
            "open|close|lose|find|drop|clean|paint|carry|borrow|sell|buy|hide|repair|wrap|wash|forget|pack|break|"
            "fix|touch|polish|move|return|lift|bring|keep|hold|throw"
        ),
        "went": (
            "walked|ran|drove|hurried|traveled|rushed|wandered|sailed|cycled|marched|strolled|jumped|climbed|crawled"
        ),
        "when": (
            "before sunrise|after dinner|last summer|yesterday morning|two days ago|an hour ago|on my birthday|"
            "late last night|during the holidays|in the early spring|last winter|earlier today|three weeks ago"
        ),
        "often": "every winter|at the weekend|in the evening|late at night|once a month|every morning|all year round",
        "reason": (
            "because it was raining|because nobody was home|since the road was closed|although it was late|"
            "before the guests arrived|after the music stopped|while the others slept|when the bell rang|"
            "as soon as he could|until the sun went down|because the door was locked|if you don't mind|"
            "even though she was tired"
        ),
        "subject": (
            "history|music|chemistry|geography|cooking|astronomy|law|medicine|poetry|physics|gardening|football|chess"
        ),
    }.items()
}

DIALOGUE = """
Where did you put my {thing}?|Have you seen {name} today?|Could you please {do} the {thing}?
What time does {name} arrive?|How many {things} do we need for {day}?|Why are you so {feel}?
Is this {thing} yours or mine?|Who {did} the {size} {thing}?|Would you like some {food}?
When does the train to {city} leave?|Are you sure it starts at {hour}?|Did you {do} the {things}?
Can I have a little more {food}, please?|What a {good} {thing} you have!|What a {bad} smell in the {room}!
I'm so {feel} that I can hardly speak.|Don't be so {feel}, {name}.|Don't {do} that {thing}, it's mine!
Please wait for me at {place}.|Please speak {how}, the baby is asleep.|Put the {things} back in the {room}, please.
Bring me the {color} {thing}, will you?|Turn left at {place} and keep going.|Stop it, {name}, that's enough!
Thank you, {name}, that was {good}.|Good morning, {name}, did you sleep well?|Good night, {name}, see you on {day}.
Hello, my name is {name}, and I'm a {job}.|Excuse me, is this the way to {place}?|I'll call you back at {hour}.
I don't think {name} is coming {day}.|I have never been to {city} before.|I'd rather have {food} than {food}.
Let's meet at {place} at {hour}.|Let's not talk about {subject} again.|Listen, {name}, I need your help.
Oh no, I left my {thing} at {place}!|Look, there's a {size} {animal} on the roof!|Watch out for the {animal}!
You look {feel}, what happened?|You should tell {person} about it.|You still owe me {number} dollars.
My phone number ends in {number}.|That will be {number} dollars, please.|I've told you {number} times already!
It's only {number} {unit} from here to {place}.|We need {number} more {things} before {hour}.
Nobody told me about the {thing}.|I promise I won't {do} your {thing}.|I can't believe you {did} my {thing}!
Do you know how to {do} a {thing}?|Does {name} still live near {place}?|Have you ever eaten {food} with {food}?
If I were you, I would {do} it {how}.|Are there any {things} left in the {room}?|Which {thing} do you like best?
I was {feel} when I heard the {weather}.|Isn't it a {good} morning?|This {food} tastes {bad}.
This {food} smells {good}!|I miss {name} more and more each day.|We'll be there in {number} minutes.
How was your trip to {city}, {name}?|Sorry, I didn't mean to {do} your {thing}.|Come and see what {name} {did}!
Guess what I found in the {room}!|Honestly, I'm a bit {feel} about {day}.
Tell {name} to bring the {things} on {day}.|May I borrow your {thing} until {day}?
Will there be {weather} again {day}?|Why on earth would a {animal} eat {food}?|So, how do you feel about {subject}?
Yes, of course you can {do} it.|No, I haven't {did} anything yet.|Well, {name} is not exactly a {job}.
Wow, you really {did} all of the {things}!|Hurry up, the bus to {place} leaves at {hour}.
Keep your {thing} away from the {animal}.|Where can I buy {color} {things}?
You never listen when I talk about {subject}.|Give the {thing} back to {name} right now!
"""

STATEMENTS = """
{Person} {did} the {thing} {how}.|{Person} {went} to {place} {when}.|{Name} {did} {number} {things} {when}.
The {animal} {went} {how} across the {room}.|A {size} {animal} slept beside the {thing}.
The {weather} lasted for {number} days.|{Name} and {name} {went} to {city} in {month}.
The {thing} costs {number} dollars.|There are {number} {unit} left.|{Person} keeps a {color} {thing} in the {room}.
{Name} wants to become a {job}.|The {job} {did} the {size} {thing}.|In {month}, the {weather} reached {place}.
The meeting on {day} begins at {hour}.|Our train leaves {city} at {hour}.|{Name} felt {feel} {reason}.
{Person} {did} the {things} {reason}.|The {animal} ran away {reason}.|The {color} {thing} belongs to {person}.
{Name} studied {subject} for {number} years.|{Person} teaches {subject} in {city}.
{Name} was born in {city} in {month}.|The {size} {thing} fell into the river.
The door of the {room} was painted {color}.|{Person} likes {food} with {food}.|We had {food} and {food} {when}.
The recipe needs {number} eggs and some {food}.|From {place} you can see the {size} tower.
{Name} {went} {how} past {place}.|Every {animal} needs food and water.|The {job} smiled {how} at {person}.
The children {did} the {things} in the {room}.|Nobody {did} the {thing} {when}.
After the {weather}, the path to {place} was muddy.|{Name} is {number} years old and lives in {city}.
The {size} {animal} frightened {person}.|A {job} from {city} {did} our {thing}.
{Name} gave {person} a {color} {thing}.|The shop sells {things}, {things}, and {things}.
{Person} has {number} {things} and one {thing}.|The {good} {food} was gone by {hour}.
The {job} and the {job} argued about the {thing}.|{Person} waited {how} near {place}.
It took {number} {unit} to {do} the {thing}.|{Name} always tries to {do} the {things} {how}.
The {weather} damaged the roof of {place}.|{Name} tied the {thing} to the {thing} with a {color} rope.
The {animal} and the {animal} shared the {food}.|On {day}, {name} {went} home {how}.
{Person} seemed {feel} but said nothing.|The {room} smelled of {food} and {food}.
Page {number} shows a picture of a {animal}.|The bus to {place} stops here {often}.
{Name} counted the {things} {number} times.|Under the {thing} lay a {size} {color} {thing}.
The old {job} told {good} stories.|{Person} and I {went} along the coast {when}.
{Name} never eats {food} before {hour}.|A {bad} noise came from the {room}.
"""


def _patterns(block: str) -> tuple[str, ...]:
    return tuple(pattern.strip() for line in block.strip().splitlines() for pattern in line.split("|"))


def _fill(pattern: str, random: np.random.Generator) -> str:
    used: set[str] = set()

    def choose(match: re.Match[str]) -> str:
        slot = match.group(1)
        choices = [choice for choice in SLOTS[slot.lower()] if choice not in used]
        choice = choices[int(random.integers(len(choices)))]
        used.add(choice)
        return choice

    text = _SLOT.sub(choose, pattern)
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    text = re.sub(r"\b(on|On) (tomorrow|next week|this weekend|tonight)", r"\2", text)
    return text[0].upper() + text[1:]


def own_sentences(random: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """`count` pairs (sentence, text_source); patterns take turns, so that none dominates. Repeats are possible."""
    groups = [(pattern, "own_dialogue") for pattern in _patterns(DIALOGUE)]
    groups += [(pattern, "own_sentences") for pattern in _patterns(STATEMENTS)]
    made: list[tuple[str, str]] = []
    while len(made) < count:
        for place in random.permutation(len(groups)):
            pattern, source = groups[int(place)]
            made.append((_fill(pattern, random), source))
    return made[:count]
