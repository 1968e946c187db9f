"""English words by which a text tells what was done to a law: nouns for laws, verbs for acts, who acts, and when."""

from govwire.core.records import ActKind
from processors.classifiers.lexicon import AUXILIARY, CALENDAR


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LAW_NOUNS = _words(
    """act bill bills law laws legislation statute statutes regulation regulations rule rules treaty treaties
    convention declaration pact accord compact code guidelines guidance framework standard standards moratorium
    resolution ordinance directive decree order orders measure measures amendment amendments statement communiqué
    strategy ban restrictions controls text protocol recommendation initiative"""
)
# Nouns that hand on to what follows them: "a package of bills", "the start of the Act's obligations".
TRANSPARENT = _words(
    """package raft series version versions set draft drafts text part parts pair number dozens hundreds couple
    provisions amendments changes application implementation enforcement start entry obligations deadline deadlines
    requirements pieces piece rewrite most some"""
)
# What is put off, of a law.
DEFERRED = _words(
    """application implementation enforcement start entry obligations deadline deadlines requirements provisions date
    dates timetable timeline duties rollout"""
)
DELAYS = _words("delay postponement deferral")

# Past tense and participle, with what is done where a law is the object.
DONE_TO_LAW: dict[str, ActKind] = {
    **dict.fromkeys(_words("proposed introduced tabled unveiled presented submitted floated prefiled"), "proposed"),
    **dict.fromkeys(
        _words(
            """adopted passed approved enacted ratified endorsed promulgated issued finalised finalized cleared
            published released"""
        ),
        "adopted",
    ),
    "signed": "signed",
    "vetoed": "vetoed",
    **dict.fromkeys(_words("delayed postponed deferred suspended paused"), "delayed"),
    **dict.fromkeys(_words("rejected defeated"), "refused"),
    "enforced": "enforced",
}
# "gave its final approval to", "won final approval".
GAVE, WON = _words("gave given"), _words("won received gained secured")
APPROVAL = _words("approval assent consent passage ratification nod")
# Verbs of two words, by the first.
PHRASAL: dict[str, dict[str, ActKind]] = {
    "put": {"forward": "proposed", "off": "delayed"},
    "brought": {"forward": "proposed"},
    "pushed": {"back": "delayed"},
    "voted": {"down": "refused"},
    "turned": {"down": "refused"},
}
# What these verbs show is adopted where it needs no parliament, proposed where it does, or is a draft.
SHOWN = _words("published released unveiled presented introduced")
NEEDS_NO_PARLIAMENT = _words(
    """guidelines guidance framework code standard standards strategy rules regulations restrictions controls ban
    statement declaration recommendation plan measures principles pact accord compact"""
)
# What is made known by these may be a law, but is more often any writing.
MADE_KNOWN, WRITINGS = SHOWN | {"issued"}, _words("text statement initiative")
DRAFTS = _words("draft drafts proposal proposals proposed")
# What stands in the infinitive after a decision: "voted to adopt", "agreed to delay", "refused to sign".
VOTED: dict[str, ActKind] = {
    **dict.fromkeys(_words("adopt pass approve enact ratify endorse"), "adopted"),
    **dict.fromkeys(_words("delay postpone defer suspend pause"), "delayed"),
    "reject": "refused",
}
AGREED: dict[str, ActKind] = dict.fromkeys(_words("delay postpone defer suspend pause"), "delayed")
REFUSED: dict[str, ActKind] = dict.fromkeys(
    _words("sign endorse adopt ratify approve pass join back support accept enact"), "refused"
)
CARRIERS: dict[str, dict[str, ActKind]] = {
    "voted": VOTED,
    **dict.fromkeys(_words("agreed decided chose"), AGREED),
    **dict.fromkeys(_words("refused declined"), REFUSED),
}
# What a law does itself: the words after the verb that make it true.
BEGINS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(_words("took taken"), (("effect",),)),
    **dict.fromkeys(
        _words("came come went gone entered"), (("into", "force"), ("into", "effect"), ("into", "application"))
    ),
    "became": (("law",), ("effective",), ("applicable",), ("binding",)),
    "become": (("law",), ("effective",)),
    "kicked": (("in",),),
    "began": (("to", "apply"), ("applying",)),
    "started": (("to", "apply"), ("applying",)),
    "applied": (("since",),),
}

# Who enforces, and what is imposed or opened.
REGULATORS = _words(
    """authority authorities regulator regulators watchdog commission agency commissioner ftc cnil garante ico ofcom
    supervisor inspectorate cac dpa dpc"""
)
PENALISED = _words("fined penalised penalized reprimanded")
IMPOSED = _words("imposed levied issued handed slapped")
FINES = _words("""fine fines penalty penalties sanction sanctions reprimand notice notices injunction""")
OPENED = _words("opened launched began started initiated announced")
PROBES = _words("investigation investigations probe probes inquiry inquiries proceedings")
STOPPED = _words("blocked banned ordered halted suspended restricted raided")

# Who judges, and what is filed.
COURTS = _words("court courts judge judges justices justice tribunal jury magistrate")
NO_COURTS = _words(
    "ruling decision opinion order "
    "department ministry minister secretary chambers system spokesman spokeswoman spokesperson"
    ""
)
RULED = _words(
    """ruled blocked upheld dismissed enjoined overturned struck threw rejected sided held decided found granted halted
    declined quashed annulled paused allowed refused ordered"""
)
BEFORE_COURT = {"took": "to", "taken": "to", "challenged": "in"}
FILED = _words("filed brought lodged launched mounted")
RULINGS = _words("ruling decision judgment judgement verdict order")
SUITS = _words("lawsuit lawsuits suit suits complaint complaints challenge challenges appeal action petition")
CASES = _words("case cases")

CHAMBERS = _words("senate house parliament assembly congress committee chamber legislature")
# A sentence without one of these tells no act.
TRIGGERS = _words("sued appealed force").union(
    BEFORE_COURT, DONE_TO_LAW, PHRASAL, CARRIERS, BEGINS, PENALISED, IMPOSED, OPENED, STOPPED, RULED, FILED, GAVE, WON
)

# What is not, or not yet: beside the verb, before the clause, or as its subject.
UNREAL = _words(
    """will would shall should can could may might must cannot to not never be being nor nearly almost barely hardly
    neither seemingly supposedly allegedly"""
)
CONDITIONS = _words("when once if as though although unless until whether than while")
HYPOTHETICAL = _words("if unless whether lest had should let")
# With a present or perfect they look ahead: "until Congress has passed a law".
AHEAD = _words("until once before when after")
SUBORDINATE = CONDITIONS | _words("that because since but before after where so yet or whereas lest what how why")
NOBODY = _words("no none nobody neither few nothing")
# Finite verbs that do not end in -ed: a subject begins behind them.
VERBS = AUXILIARY | _words(
    """said says say told tells wrote made took came went gave held met won led left sent began put saw knew think hope
    became bought brought broke built chose drew fell felt fought found got grew heard kept lost meant paid ran read
    rose sat sold sought spent spoke stood struck swore taught threw thought took understood withdrew wore"""
)

TIMES = CALENDAR | _words(
    """yesterday today tonight week weeks month months year years weekend decade spring summer autumn fall winter ago
    earlier later night morning evening afternoon day days"""
)
# Words in -ly that are nouns.
NO_ADVERBS = _words("assembly family supply reply ally rally monopoly anomaly italy july")
TIME_BEFORE = _words("last this that next past previous same following early late mid")
TIME_PREPOSITIONS = _words("on in at since by during late early just over")
# After "by", a measure or a way rather than somebody: "by two years", "by a vote of 52 to 46", "by default".
NO_AGENT = TIMES | _words(
    """vote votes margin majority percent end default law then now next mid consensus acclamation means way decree
    points applause show unanimity"""
)
