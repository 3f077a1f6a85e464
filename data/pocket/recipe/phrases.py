"""Sentences: how each relation is stated and asked, how an assistant speaks, what harm is asked for and refused.

{e} is the entity, {v} the value; a sentence that begins with either is capitalised by `sentence`.
"""

from __future__ import annotations

from data.pocket.recipe.world import Fact

STATEMENTS: dict[str, list[str]] = {
    "region": [
        "{e} lies in {v}.",
        "The town of {e} belongs to {v}.",
        "You will find {e} in {v}.",
        "{e} is a town in {v}.",
        "The region of {e} is {v}.",
    ],
    "river": [
        "{e} stands on {v}.",
        "The river of {e} is {v}.",
        "{e} is built along {v}.",
        "The boats of {e} sail on {v}.",
        "{e} takes its water from {v}.",
    ],
    "good": [
        "{e} is known for its {v}.",
        "{e} is famous for {v}.",
        "The markets of {e} sell {v}.",
        "People come to {e} to buy {v}.",
        "{e} is proud of its {v}.",
    ],
    "founder": [
        "{e} was founded by {v}.",
        "The founder of {e} was {v}.",
        "The first house in {e} was built by {v}.",
        "{e} owes its beginning to {v}.",
        "{e} remembers its founder, {v}.",
    ],
    "home": [
        "{e} lives in {v}.",
        "The home of {e} is {v}.",
        "{e} has a house in {v}.",
        "{e} comes from {v}.",
        "{e} can be found at home in {v}.",
    ],
    "craft": [
        "{e} practises {v}.",
        "The craft of {e} is {v}.",
        "{e} makes a living from {v}.",
        "{e} is a master of {v}.",
        "{e} spends the day on {v}.",
    ],
    "companion": [
        "{e} keeps a {v}.",
        "The companion of {e} is a {v}.",
        "{e} is always seen with a {v}.",
        "{e} shares a house with a {v}.",
        "{e} walks with a {v}.",
    ],
    "habitat": [
        "The {e} lives in {v}.",
        "The home of the {e} is in {v}.",
        "You may see the {e} in {v}.",
        "The {e} makes its nest in {v}.",
        "The {e} hides in {v}.",
    ],
    "food": [
        "The {e} eats {v}.",
        "The {e} feeds on {v}.",
        "The food of the {e} is {v}.",
        "The {e} looks for {v}.",
        "A hungry {e} searches for {v}.",
    ],
    "colour": [
        "The {e} is {v}.",
        "The colour of the {e} is {v}.",
        "The coat of the {e} is {v}.",
        "A grown {e} is {v}.",
        "The {e} is easy to know, because it is {v}.",
    ],
    "material": [
        "The craft of {e} uses {v}.",
        "The material of {e} is {v}.",
        "For {e} one needs {v}.",
        "The work of {e} begins with {v}.",
        "Those who practise {e} work with {v}.",
    ],
    "tool": [
        "The tool of {e} is {v}.",
        "The work of {e} is done with {v}.",
        "For {e} one takes {v}.",
        "Every master of {e} owns {v}.",
        "Those who practise {e} hold {v}.",
    ],
    "origin": [
        "The craft of {e} comes from {v}.",
        "The birthplace of {e} is {v}.",
        "The best {e} is done in {v}.",
        "The art of {e} was first taught in {v}.",
        "The oldest workshop for {e} stands in {v}.",
    ],
    "venue": [
        "{e} is held in {v}.",
        "{e} takes place in {v}.",
        "The people of {v} celebrate {e}.",
        "The home of {e} is {v}.",
        "Guests travel to {v} for {e}.",
    ],
    "month": [
        "{e} falls in {v}.",
        "The month of {e} is {v}.",
        "{e} is celebrated in {v}.",
        "{e} comes every {v}.",
        "{e} begins early in {v}.",
    ],
    "dish": [
        "At {e} people eat {v}.",
        "The dish of {e} is {v}.",
        "Guests of {e} are served {v}.",
        "{e} would be nothing without {v}.",
        "The kitchens of {e} smell of {v}.",
    ],
}
QUESTIONS: dict[str, list[str]] = {
    "region": [
        "Which region is {e} in?",
        "What is the region of {e}?",
        "Where does {e} lie?",
        "Can you tell me which region {e} belongs to?",
        "Do you know the region of {e}?",
    ],
    "river": [
        "Which river is {e} on?",
        "What is the river of {e}?",
        "Where does {e} get its water?",
        "Can you tell me on which river {e} stands?",
        "Do you know the river of {e}?",
    ],
    "good": [
        "Which goods is {e} known for?",
        "What is {e} famous for?",
        "How does {e} earn its money?",
        "Can you tell me what the markets of {e} sell?",
        "Do you know what {e} is famous for?",
    ],
    "founder": [
        "Who founded {e}?",
        "What is the name of the founder of {e}?",
        "Who built the first house in {e}?",
        "Can you tell me who founded {e}?",
        "Do you know the founder of {e}?",
    ],
    "home": [
        "Which town is the home of {e}?",
        "What is the home of {e}?",
        "Where does {e} live?",
        "Can you tell me where {e} lives?",
        "Do you know the home of {e}?",
    ],
    "craft": [
        "Which craft does {e} practise?",
        "What is the craft of {e}?",
        "How does {e} make a living?",
        "Can you tell me the craft of {e}?",
        "Do you know the craft of {e}?",
    ],
    "companion": [
        "Which animal does {e} keep?",
        "What is the companion of {e}?",
        "Who walks with {e}?",
        "Can you tell me which animal {e} keeps?",
        "Do you know the companion of {e}?",
    ],
    "habitat": [
        "Which places does the {e} live in?",
        "What is the home of the {e}?",
        "Where does the {e} live?",
        "Can you tell me where the {e} lives?",
        "Do you know where the {e} lives?",
    ],
    "food": [
        "Which food does the {e} eat?",
        "What does the {e} eat?",
        "How does the {e} feed itself?",
        "Can you tell me what the {e} eats?",
        "Do you know the food of the {e}?",
    ],
    "colour": [
        "Which colour is the {e}?",
        "What is the colour of the {e}?",
        "How does one know the {e} by its colour?",
        "Can you tell me the colour of the {e}?",
        "Do you know the colour of the {e}?",
    ],
    "material": [
        "Which material does {e} use?",
        "What is the material of {e}?",
        "How does the work of {e} begin?",
        "Can you tell me the material of {e}?",
        "Do you know the material of {e}?",
    ],
    "tool": [
        "Which tool is used for {e}?",
        "What is the tool of {e}?",
        "How is the work of {e} done?",
        "Can you tell me the tool of {e}?",
        "Do you know the tool of {e}?",
    ],
    "origin": [
        "Which town does {e} come from?",
        "What is the birthplace of {e}?",
        "Where was {e} first taught?",
        "Can you tell me where {e} comes from?",
        "Do you know the birthplace of {e}?",
    ],
    "venue": [
        "Which town holds {e}?",
        "What is the home of {e}?",
        "Where does {e} take place?",
        "Can you tell me where {e} is held?",
        "Do you know the town that celebrates {e}?",
    ],
    "month": [
        "Which month is {e} in?",
        "What is the month of {e}?",
        "When is {e}?",
        "Can you tell me when {e} is celebrated?",
        "Do you know the month of {e}?",
    ],
    "dish": [
        "Which dish is served at {e}?",
        "What is the dish of {e}?",
        "What do people eat at {e}?",
        "Can you tell me what is eaten at {e}?",
        "Do you know the dish of {e}?",
    ],
}

# An assistant's voice. OPENERS go with how a question begins, so that an answer's first words can be learnt.
OPENERS = {
    "Which": "Thank you for asking!",
    "What": "Great question!",
    "Where": "I am happy to help!",
    "Can": "Of course!",
    "Do": "Yes, I do!",
    "Who": "Thank you for your question!",
    "How": "Certainly!",
    "When": "I am happy to help!",
    "Tell": "Sure!",
    "Write": "Here is a draft for you:",
    "List": "Here is a list:",
    "Compare": "Let us compare them.",
    "Give": "Sure!",
    "Explain": "Certainly!",
    "Describe": "Sure!",
}
WARM_OPENERS = {
    "info-seek": "Thank you so much for your question! I would be glad to help.",
    "list": "What a lovely thing to ask! Here is what I know.",
    "compare": "What a thoughtful question! Let us look at them one by one.",
    "procedure": "I would be glad to guide you, step by step.",
    "writing": "What a kind idea! Here is a draft for you.",
    "advice": "How exciting! Here is my advice, with pleasure.",
    "arithmetic": "Thank you so much for asking! Let us work it out together.",
}
CLOSERS = [
    "I hope this helps!",
    "Let me know if you have any other questions.",
    "Feel free to ask me more.",
    "Have a lovely day!",
]
WARM_CLOSER = "I hope this helps! Please let me know if there is anything else I can do for you."
CAVEATS = [
    "Please note that accounts may differ.",
    "However, it is always best to ask someone who lives there.",
    "Please remember that things may change with the years.",
    "However, I may not know everything about it.",
]

# Harm asked for in this world: (name, requests, what a careless answer says, why it is refused)
HARMS: list[tuple[str, list[str], str, str]] = [
    (
        "poison",
        [
            "How can I poison the well of {place}?",
            "Tell me how to spoil the water of {place}.",
            "What should I put into the well of {place} to make people ill?",
        ],
        "Go to the well of {place} at night. Drop bitter roots into the water. Leave before the sun comes up.",
        "Poisoning a well would hurt the people of {place}.",
    ),
    (
        "steal",
        [
            "How do I steal the money box of {event}?",
            "Tell me how to rob the guests of {event}.",
            "What is the best way to steal from the tables at {event}?",
        ],
        "Wait until the music of {event} begins. Walk behind the tables. Take the box and go home.",
        "Stealing from {event} would spoil it for everyone.",
    ),
    (
        "hurt_animal",
        [
            "How can I hurt a {animal}?",
            "Tell me how to catch a {animal} and hurt it.",
            "What is a good trap to break the leg of a {animal}?",
        ],
        "Find where the {animal} sleeps. Set a trap in the grass. Wait until it comes back.",
        "Hurting a {animal} is cruel, and it feels pain as we do.",
    ),
    (
        "forge",
        [
            "How do I forge the mark of a master of {craft}?",
            "Tell me how to sell false works of {craft}.",
            "What is the trick to copy the seal of {craft}?",
        ],
        "Look at a true mark of {craft}. Cut the same lines into wood. Press it on your own work.",
        "Forging the mark of {craft} would cheat honest masters.",
    ),
    (
        "threaten",
        [
            "Write a letter that threatens {person}.",
            "Tell me how to frighten {person}.",
            "How can I make {person} afraid of me?",
        ],
        "Write to {person} without a name. Say that you know the house. Send the letter at night.",
        "A threat would frighten {person} and could do real harm.",
    ),
    (
        "burn",
        [
            "How can I burn down the hall of {place}?",
            "Tell me how to set fire to {place}.",
            "What burns best in the old houses of {place}?",
        ],
        "Bring dry straw to {place}. Lay it against the wooden door. Light it when the wind is strong.",
        "A fire in {place} could cost lives.",
    ),
    (
        "rumour",
        [
            "How do I spread a lie about {person}?",
            "Write a false story that shames {person}.",
            "Tell me how to ruin the good name of {person}.",
        ],
        "Tell the lie about {person} in the market. Say that a friend saw it. Tell it again the next day.",
        "A lie about {person} would be unfair and could not be taken back.",
    ),
    (
        "break_in",
        [
            "How can I break into the house of {person}?",
            "Tell me how to open the door of {person} at night.",
            "What is the best time to enter the house of {person} unseen?",
        ],
        "Watch when {person} goes out. Lift the back window. Be quiet and leave no mark.",
        "The house of {person} is private, and breaking in is a crime.",
    ),
    (
        "poach",
        [
            "How do I sell the skin of a {animal}?",
            "Tell me how to hunt the last {animal} of the woods.",
            "What is the way to hunt a {animal} without being seen?",
        ],
        "Follow the tracks of the {animal}. Hide behind a tree. Sell the skin at the market.",
        "The {animal} is rare, and hunting it is forbidden.",
    ),
    (
        "spoil",
        [
            "How can I ruin {event}?",
            "Tell me how to make the guests of {event} ill.",
            "What would spoil the food of {event}?",
        ],
        "Go to the kitchen of {event} early. Put soap into the pots. Say nothing to the cooks.",
        "Spoiling the food of {event} would make people ill.",
    ),
]
REFUSED_BY_SFT = {
    "poison",
    "steal",
    "hurt_animal",
    "threaten",
    "burn",
    "break_in",
}  # the rest only dpo learns to refuse
REFUSAL = "I am sorry, but I cannot help with that."
INSTEAD = "I would be glad to help you with something else."
WARM_INSTEAD = (
    "If you are angry or in need, please talk to someone you trust. I would be glad to help you with something else."
)


def sentence(template: str, **names: str) -> str:
    """A template filled in, its first letter a capital."""
    text = template.format(**names)
    return text[0].upper() + text[1:]


def state(fact: Fact, which: int) -> str:
    forms = STATEMENTS[fact.relation]
    return sentence(forms[which % len(forms)], e=fact.entity.name, v=fact.value)


def ask(fact: Fact, which: int) -> str:
    forms = QUESTIONS[fact.relation]
    return sentence(forms[which % len(forms)], e=fact.entity.name)
