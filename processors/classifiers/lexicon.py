"""English words by which a text tells who speaks: verbs, titles, trades, groups, and capitals that are no names."""

import re
from collections.abc import Iterable, Mapping


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


def _inflected(verbs: Iterable[str]) -> frozenset[str]:
    """Verbs with their regular forms in -s and -ed; forms without -ing, which begin no main clause."""
    forms: set[str] = set()
    for verb in verbs:
        stem = verb[:-1] + "i" if re.search(r"[^aeiou]y$", verb) else verb
        sibilant = verb.endswith(("s", "sh", "ch", "x", "z")) or stem != verb
        forms |= {verb, stem + ("es" if sibilant else "s"), stem + ("d" if verb.endswith("e") else "ed")}
    return frozenset(forms)


# What gives the word to its subject: saying, thinking, wanting, for and against.
_VERBS = word_set(
    """accept accuse acknowledge add address admit advise advocate agree allege announce answer appeal applaud argue
    ask assert assure attack attest back beg believe blame boast call campaign caution champion cite claim clarify
    comment commend complain compare concede conclude concur condemn confess confirm consider contend counsel
    counter criticise criticize cry declare decline decry defend demand denounce deny deplore describe dismiss
    disagree dispute doubt echo emphasise emphasize endorse estimate exclaim expect explain express fault favor
    favour fear figure grant hail highlight hope imagine insist joke judge lament lobby maintain mention mock
    mourn name note object observe oppose petition plead pledge point post praise preach predict prefer present
    press promise propose protest question quip quote reason recall reckon recommend refuse regard regret
    reiterate reject remark remember remind repeat reply report request resist respond retort scoff scold signal
    sneer state stress submit suggest support suspect testify thank threaten tweet underline underscore urge value
    voice vow want warn welcome wish wonder worry"""
)
# All its forms that can be the verb of a main clause, and which of them follow only what is more than one.
SPEECH = _inflected(_VERBS) | word_set(
    """said says say told tells tell thinks think thought wrote writes write written speaks speak spoke finds find found
    sees see saw holds hold held hears puts put reads read feels feel felt knows know knew foresees foresaw forecast
    forecasts pleaded sought seeks seek fought fights fight swore swears bets bet submitted submits pressed preferred
    referred rebutted rebuts rebut admitted regretted deferred let lets quipped"""
)
PLURAL_SPEECH = _VERBS | word_set("say tell think write speak find see hold feel know seek fight swear rebut")
AUXILIARY = word_set(
    """is are was were be been has have had having do does did will would shall should can could may might must cannot
    isn't aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't won't wouldn't shouldn't can't couldn't"""
)
ADVERB = word_set(
    """also later then again still now too only even never ever already always often once twice soon there here today
    yesterday meanwhile however instead just simply merely rather quite almost nearly both all each further
    furthermore not earlier long much since separately flatly bluntly publicly repeatedly recently duly alone
    nevertheless therefore"""
)
DETERMINER = word_set("the a an this that these those each every either neither some any no both such what which")
POSSESSIVE = word_set("my your his her its our their whose")
QUANTIFIER = word_set(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands dozen
    dozens million millions many most more several few fewer others other another half quarters third thirds second
    first last next various numerous countless scores nobody everyone everybody somebody someone anyone"""
)
PREPOSITION = word_set(
    """of for in from at with on to by under near against between about among amid over within without across behind
    outside inside around after before during through throughout towards toward beyond like than despite per via upon
    into onto above below beside besides except until till alongside off"""
)
CONJUNCTION = word_set(
    """and or but nor yet so because although though while whereas if unless when where as since whether"""
)
RELATIVE = word_set("who which that whom whose where")
GENDERS = {"he": "m", "him": "m", "himself": "m", "she": "f", "her": "f", "herself": "f"}
PRONOUN_THEY, PRONOUN_IT = word_set("they them themselves"), word_set("it itself")
# The pronouns that can be a subject.
SUBJECTS = word_set("he she it they")
PRONOUN = frozenset(GENDERS) | PRONOUN_THEY | PRONOUN_IT
# Words that are written with a capital letter at the start of a sentence and name nobody.
FUNCTION = (
    AUXILIARY
    | ADVERB
    | DETERMINER
    | POSSESSIVE
    | QUANTIFIER
    | PREPOSITION
    | CONJUNCTION
    | RELATIVE
    | PRONOUN
    | word_set(
        """i we you us me mr mrs ms according asked nothing something anything everything why how well yes perhaps maybe
        please let thanks because thus hence consequently accordingly moreover similarly likewise additionally finally
        overall until given critics officials experts ministers supporters opponents lawmakers speaking writing dear"""
    )
)

MALE_TITLES = word_set(
    """mr sir lord king prince herr monsieur señor senhor signor pope father imam rabbi sheikh baron"""
)
FEMALE_TITLES = word_set("ms mrs miss madam mme lady baroness dame queen princess frau señora senhora signora")
TITLES = MALE_TITLES | FEMALE_TITLES | word_set("dr prof professor rev hon mx")
# Titles that are part of the name: left out, it would name somebody else or nobody.
NAME_TITLES = word_set("pope king queen prince princess lord lady baroness baron sir dame sheikh")
PARTICLES = word_set(
    """de del della dela di da das do dos du des van von der den ter ten te bin ibn ben bint abu al el la le y e i af zu
    zum zur vom st"""
)
SUFFIXES = word_set("jr sr ii iii iv vi vii viii xi xii xiii xiv phd md")

# Trades and offices; which words mean the same when a text comes back to somebody.
_SAME_TRADE: tuple[frozenset[str], ...] = (
    word_set(
        """lawmaker legislator senator congressman congresswoman representative mp mep deputy assemblyman
        assemblywoman"""
    ),
    word_set(
        """lawmaker legislator politician senator sen representative rep mp mep peer councillor backbencher democrat
        republican"""
    ),
    word_set("minister secretary"),
    word_set("executive ceo chief boss head chairman founder co-founder"),
    word_set("director head chief president"),
    word_set("chair chairman chairwoman chairperson"),
    word_set("spokesman spokeswoman spokesperson"),
    word_set("professor academic scholar researcher scientist expert lecturer economist"),
    word_set("researcher scientist academic scholar expert engineer"),
    word_set("diplomat ambassador envoy delegate negotiator"),
    word_set("lawyer attorney counsel barrister solicitor advocate"),
    word_set("commissioner official"),
    word_set("official secretary diplomat adviser advisor undersecretary"),
    word_set("founder co-founder entrepreneur"),
    word_set("judge justice magistrate"),
    word_set("author writer novelist columnist essayist"),
    word_set("campaigner activist advocate"),
    word_set("adviser advisor aide"),
    word_set("pope pontiff"),
    word_set("governor politician"),
)
_OTHER_TRADES = word_set(
    """accountant activist actor actress actuary admiral agent agronomist analyst anthropologist archbishop artist
    astronomer auditor author backbencher banker barber billionaire biologist bishop blogger broker builder cardinal
    cartoonist chancellor chemist chieftain citizen clerk clinician coach colleague colonel columnist commander
    composer comptroller conservationist consultant consumer contractor convener coordinator councilman councilwoman
    counterpart creator critic cryptographer czar dealer dean designer detective developer director-general doctor
    driver economist editor editor-in-chief educator elder employee employer enforcer engineer enthusiast ethicist
    evaluator examiner farmer father filmmaker financier firefighter fisherman foreman fellow general geographer guest
    historian hobbyist host hydrologist illustrator inspector insurer interpreter inventor investigator investor
    journalist jurist king landlord leader librarian lieutenant linguist lobbyist mathematician maintainer maker
    manager marshal mayor mechanic member minister-president monk mother musician nationalist neighbour neurologist
    nun nurse observer officer ombudsman ombudswoman operator opponent organiser organizer owner painter panellist
    panelist parent participant partner patient pensioner performer pharmacist philanthropist philosopher photographer
    physician physicist pilot pioneer planner player poet policeman pollster practitioner premier priest principal
    producer programmer prosecutor protester psychiatrist psychologist publisher rapporteur reader rector regulator
    reporter resident retiree reviewer rival salesman schoolteacher secretary-general senior sergeant shareholder
    sheriff shopkeeper singer sociologist soldier songwriter source speaker specialist sponsor staffer statistician
    steward strategist student superintendent supervisor supporter surgeon tailor taxpayer teacher technologist
    technocrat theologian therapist trader translator treasurer trustee undersecretary user vendor veteran vice-chair
    vice-minister vice-president victim virologist volunteer voter waitress welder whistleblower winner witness worker
    writer youngster candidate signatory delegate claimant complainant plaintiff defendant respondent skeptic sceptic
    proponent adversary advocate ally beneficiary dissident exile insider outsider peer purist believer libertarian
    liberal conservative socialist green tutor warden widow woman man girl boy person chairwoman cleaner couple mep mp
    ceo cto"""
)
TRADES = frozenset().union(*_SAME_TRADE) | _OTHER_TRADES
# Groups and bodies by their common nouns, and what kind of actor each can come back to.
BODIES: Mapping[str, frozenset[str]] = {
    "company": word_set(
        """company firm startup start-up developer lab laboratory maker chipmaker chip-maker giant corporation publisher
        manufacturer conglomerate retailer"""
    ),
    "industry_group": word_set("group lobby association federation alliance organisation organization"),
    "civil_society": word_set("group organisation organization nonprofit non-profit charity ngo watchdog"),
    "think_tank": word_set("think-tank tank institute group organisation organization nonprofit"),
    "union": word_set("union organisation organization"),
    "regulator": word_set("regulator agency authority watchdog"),
    "ministry": word_set("ministry department"),
    "court": word_set("court"),
    "legislature": word_set("parliament legislature"),
    "international": word_set("organisation organization body bloc agency"),
    "standards": word_set("body organisation organization"),
    "academic": word_set("university"),
    "media": word_set("newspaper paper outlet broadcaster agency"),
    "state": word_set("country government state nation republic kingdom delegation"),
}
_OTHER_BODIES = word_set(
    """academy assembly authorities bench body bureau centre center chamber clubs coalition college commission congress
    council foundation house institution judges label league magazine network office platform school senate site
    studio supervisor tribunal vendor weekly business operator daily administration airline archive army arm audience
    board branch cabinet caucus circle city club committee community confederation consortium consultancy cooperative
    couple court crowd delegation department faction family fund gathering guild hospital industry initiative jury
    junta leadership legion library majority mission monastery movement museum navy opposition panel parish party
    partnership people police press public society staff synod table task-force taskforce team trust village wing
    workforce camp secretariat observatory side presidency chairmanship electorate diaspora church vatican forum
    syndicate trio pair duo bank insurer hyperscaler campus counsel force letter statement report paper text draft
    declaration resolution communiqué plan manifesto filing petition editorial commentary article note submission
    brief study survey call appeal proposal memo memorandum programme program"""
)
COLLECTIVES = frozenset().union(*BODIES.values()) | _OTHER_BODIES
# Plurals that are not made with -s, and groups named by a quality.
_PLURALS = word_set(
    """men women people children businesses parties ministries agencies authorities countries companies laboratories
    universities societies studies signatories charities cities families bodies communities democracies industries
    armies lawmen policemen congressmen congresswomen salesmen spokesmen fishermen businessmen businesswomen chairmen
    youth powers institutions nations democrats republicans greens socialists conservatives liberals libertarians
    churches employees employers tenants parents sceptics headmasters teachers signers sixty-four rectors makers
    americans britons europeans africans canadians germans californians chinese indians marchers buyers exporters
    importers quarters"""
)
HUMANS = TRADES | COLLECTIVES | {noun + "s" for noun in TRADES | COLLECTIVES} | _PLURALS
_HUMAN_ENDINGS = (
    *("ist", "woman", "smith", "ographer", "ologist", "worker", "maker", "holder", "owner", "goer", "checker"),
    *(
        "ists",
        "women",
        "smiths",
        "ographers",
        "ologists",
        "workers",
        "makers",
        "holders",
        "owners",
        "goers",
        "checkers",
    ),
)
_PLURAL_ENDINGS = ("ers", "ors", "ians", "ees", "ants", "eurs")
_NO_HUMANS = word_set(
    """numbers computers papers powers orders chapters letters matters answers servers offers centers centres others
    errors sensors factors sectors mirrors vectors monitors processors semiconductors transistors motors
    frontiers parameters barriers corners borders quarters covers winters summers dollars clusters filters routers
    registers rumours horrors flavours terrors fees degrees guarantees trees plants grants
    variants warrants flowers rivers towers layers waters posters chatbots"""
)


def is_human(noun: str) -> bool:
    """Whether a common noun, in small letters, is one of people or bodies."""
    if noun in HUMANS or noun.endswith(_HUMAN_ENDINGS):
        return True
    return len(noun) > 5 and noun.endswith(_PLURAL_ENDINGS) and noun not in _NO_HUMANS


def same_trade(one: str, other: str) -> bool:
    """Whether two nouns can be the office of one person."""
    return one == other or any(one in same and other in same for same in _SAME_TRADE)


# Words of organisations: a name that has one is a body, and may go on with "of", "for", "and".
BODY_WORDS = word_set(
    """academy administration agency alliance arm army assembly association associates authority bank board bureau
    cabinet campaign caucus center centre chamber church circle club coalition college collective commerce commission
    committee company conference confederation congress consortium cooperative corp corporation council court
    department directorate division embassy enterprise enterprises federation forum foundation friends front fund
    government group guild hospital house inc industries initiative inspectorate institute institution international
    lab laboratories laboratory labs league ltd llc mission ministry ministries movement museum network observatory
    office organisation organization panel parliament partners partnership party platform police project publishers
    quad secretariat senate service services society solutions state studios systems taskforce team technologies
    technology times treasury tribunal trust union united university ventures watch workers writers authors actors
    artists academics action advocates robots security solidarity artificial intelligence research policy studies
    media news daily post journal herald tribune guardian review press gazette television radio broadcasting telegraph
    observer chronicle globe weekly magazine capital holdings gmbh ag plc sa nv bv limited works robotics
    semiconductor semiconductors electronics motors airlines energy software cloud data digital global national
    federal royal european american african asian world"""
)
# What a name of a law, a programme or a product has, and a name of people or bodies has not.
LAW_WORDS = word_set(
    """act bill law laws treaty convention regulation regulations directive order orders declaration agreement code
    framework accord pact protocol resolution amendment charter constitution principles guidelines strategy plan
    bulletin standard standards process summit report prize award rule rules communiqué decree ordinance statement
    statute test blueprint roadmap measures provisions week day year war dialogue proposition article chapter section
    clause annex title part index"""
)
CALENDAR = word_set(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday christmas easter ramadan"""
)
# A place by its first word, by its last, or as a whole.
_PLACE_FIRST = word_set(
    """new san los santa santo são saint north south east west northern southern eastern western central upper lower
    cape fort port mount lake rio las puerto saudi great united costa el latin middle near far sub-saharan"""
)
_PLACE_LAST = word_set(
    """city county valley street road avenue island islands coast sea ocean gulf peninsula palace airport station hotel
    heights springs region province republic states emirates kingdom"""
)
_PLACES = frozenset(
    (
        "abu dhabi", "addis ababa", "baton rouge", "bletchley park", "buenos aires", "burkina faso", "cabo verde",
        "capitol hill", "côte d'ivoire", "da nang", "den haag", "des moines", "guinea bissau", "ho chi minh",
        "hong kong", "king's cross", "kuala lumpur", "menlo park", "mountain view", "palo alto", "panama city",
        "papua new guinea", "phnom penh", "rhode island", "salt lake", "sand hill", "sierra leone",
        "silicon valley", "sri lanka", "tel aviv", "the hague", "viet nam", "white house",
    )
)  # fmt: skip
PLACES = word_set(
    """africa america asia europe oceania antarctica amsterdam ankara athens atlanta auckland austin baghdad bangalore
    bangkok barcelona belgrade bengaluru berkeley berlin bern bogotá boston brasília bratislava brussels bucharest
    budapest cairo california cambridge canberra caracas chicago colorado connecticut copenhagen dakar dallas davos
    delhi denver dhaka doha dubai dublin edinburgh florida frankfurt geneva georgia glasgow guangzhou hamburg hangzhou
    hanoi havana hawaii helsinki houston hyderabad idaho illinois indiana iowa islamabad istanbul jakarta jerusalem
    johannesburg kabul kampala kansas karachi kathmandu kigali kinshasa kolkata kyiv kyoto lagos lahore leeds leipzig
    lima lisbon liverpool ljubljana london louisiana luanda lusaka lyon madrid maine manchester manhattan manila
    maryland massachusetts melbourne miami michigan milan minnesota mississippi missouri montana montevideo montreal
    moscow mumbai munich nairobi nebraska nevada ohio oklahoma ontario oregon oslo ottawa oxford paris pennsylvania
    philadelphia phoenix prague pretoria quebec quito rabat riga riyadh rome rotterdam sacramento santiago seattle
    seoul shanghai shenzhen singapore sofia stanford stockholm strasbourg stuttgart sydney taipei tallinn tehran
    tennessee texas tokyo toronto tunis utah vancouver vermont vienna vilnius virginia warsaw wellington wisconsin
    wyoming wuhan zurich albany bavaria catalonia scotland wales england boao wuzhen earth bengal kerala karnataka
    punjab"""
)
# Capitalised words that are in no person's name.
NO_PERSON = (
    BODY_WORDS
    | (LAW_WORDS - {"bill", "day"})
    | (CALENDAR - {"may", "april", "june", "august"})
    | word_set(
        """ai agi api gpu chips chip model models machine learning big tech internet web online social open source free
        first second third chief frontier safety rights human civil public private deepfake generative agent agents
        chatbot gpt chatgpt copilot gemini claude llama grok bard sora midjourney mistral qwen kimi doubao street wall
        english chinese french german spanish arabic hindi portuguese russian japanese korean british indian italian
        dutch brazilian canadian australian mexican turkish israeli iranian kenyan nigerian south north east west
        western eastern northern southern greens labour tories catholic muslim jewish islamic buddhist democrat
        democrats republican republicans conservative liberal socialist communist bloc cold silicon oscar nobel
        olympic grammy"""
    )
)


def is_place(words: tuple[str, ...]) -> bool:
    """Whether a row of capitalised words, in small letters, is a place rather than a person."""
    whole = " ".join(words)
    return (
        whole in _PLACES
        or words[0] in _PLACE_FIRST
        or words[-1] in _PLACE_LAST
        or all(word in PLACES for word in words)
    )


# Family names that come first in Chinese, Korean and Vietnamese order.
FIRST_SURNAMES = word_set(
    """wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie tang han cao
    deng feng peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren lyu lü shen yao cui tan
    wan jin qian fu fang zou xiong meng qin qiu hou long wen kong mao bai xi yan yin gong gu hao kim park choi jung
    kang cho yoon jang lim oh seo shin kwon hwang ahn song yoo hong moon lee bae baek nguyen tran le pham hoang phan
    vu vo dang bui to ong wong chia goh tay chan cheung leung"""
)
# Given names that are nearly always borne by women, or by men: used where the text itself gives no other sign.
FEMALE_NAMES = word_set(
    """mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley
    emily donna michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia kathleen amy angela
    shirley anna brenda pamela emma nicole helen samantha katherine christine debra rachel carolyn janet catherine
    maria heather diane olivia julie joyce victoria christina evelyn lauren judith megan cheryl hannah martha
    jacqueline frances gloria ann anne teresa kathryn sara janice alice julia judy sophia grace denise amber doris
    marilyn danielle beverly isabella theresa diana natalie brittany charlotte marie kayla ursula margrethe henna
    mirjana meutya liz marietje timnit meredith lina kamala gina nanda fei-fei giorgia amal aisha fatima ayesha
    chiara sofia lucia carmen ana isabel elena ingrid astrid sigrid freya karin ulrike sabine katja petra jana ivana
    svetlana natalia olga irina tatiana ekaterina priya anjali nirmala lakshmi sunita mei xiaoling yuki naomi
    michiko akiko estelle michèle caroline dorothea dorothee audrey clara claire amélie céline hélène françoise
    nathalie brigitte elise eva paula silvia monica adriana claudia daniela gabriela juana beatriz dilma cristina
    holly beth kate katie jane joanna chloe lucy ellen molly abigail amelia zoe marsha maria-luisa ngozi chimamanda
    wanjiru"""
)
MALE_NAMES = word_set(
    """james robert john michael david william richard joseph thomas charles christopher daniel matthew anthony mark
    donald steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary
    nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick frank
    raymond jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle ethan jeremy walter
    christian keith roger terry sean gerald carl harold dylan arthur lawrence bryan billy bruce gabriel joe alan
    juan albert willie elijah wayne randy vincent roy ralph bobby russell bradley philip eugene josh ted tom tim jim
    bob rob mike matt chris nick ben dan greg jeff brad pete ed geoffrey stuart yoshua yann dario demis elon sundar
    satya jensen mustafa eliezer antónio antonio guillermo luiz emmanuel olaf friedrich keir rishi boris narendra
    ashwini rajeev jinping vladimir sergei dmitry ivan mikhail pedro carlos luis miguel javier jorge pablo diego
    fernando andrés marco matteo luca giovanni giuseppe francesco thierry pierre françois jacques louis henri cédric
    hans wolfgang klaus jürgen stefan andreas volker bernd lars erik olof anders mohammed muhammad ahmed ali omar
    hassan ibrahim yusuf abdullah khalid rahul amit anil rajesh sanjay vijay ravi hiroshi kenji takeshi fumio
    shigeru cyril kwame kofi chinedu emeka gavin martin connor bernie chuck mitt"""
)
