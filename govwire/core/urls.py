"""Addresses and identity: which URLs are the same page, and which page is which article.

Tracking parameters, fragments, AMP, print and mobile variants fold, so do http and https, `www.` and a closing slash;
every other query string distinguishes, since two articles may differ in nothing else. A page is fetched under the
address it was given, and shown under a spelling that works; only its identity is folded all the way.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, urljoin, urlsplit

from tldextract import TLDExtract
from w3lib.url import canonicalize_url, safe_url_string

from govwire.core.errors import UrlError

# Longer ones are data smuggled into a query or garbage; browsers and servers stop at 2,000 to 8,000.
MAX_URL_LENGTH = 4096

# Parameters that say where a reader came from and never which text he gets.
_TRACKING = re.compile(
    r"""(?ix)
        utm_.+ | ga_.+ | pk_.+ | piwik_.+ | mtm_.+ | matomo_.+ | hsa_.+ | itm_.+ | oly_.+ | vero_.+
      | at_(?: medium | campaign | custom\d | format | bbc_.+ | link_.+ | ptr_.+ )
      | ns_(?: mchannel | source | campaign | linkname | fee )
      | fbclid | gclid | gclsrc | gbraid | wbraid | dclid | msclkid | yclid | twclid | ttclid | igsh | igshid
      | mc_cid | mc_eid | mkt_tok | _hsenc | _hsmi | __hstc | __hssc | __hsfp | hsctatracking | _ga | _gl | s_cid
      | cmpid | li_fat_id | xtor | wt\.mc_id | wt_mc | ocid | sr_share | spm | smid | sref | partner_id
      | guccounter | guce_referrer | guce_referrer_sig | srsltid | traffic_source | ico
    """
)
# Parameters that choose another dress of the same text, with the values that do so.
_VARIANTS = {
    "amp": {"", "1", "true", "yes"},
    "_amp": {"", "1", "true"},
    "hs_amp": {"true"},
    "amp-content": {"amp"},
    "display": {"amp"},
    "outputtype": {"amp"},
    "print": {"", "1", "true", "yes", "y"},
    "printable": {"", "1", "true", "yes"},
    "view": {"print"},
    "output": {"amp", "print"},
    # Where a link was found, said in a parameter that elsewhere chooses the text.
    "rss": {""},
    "source": {"rss"},
}
_VARIANT_PATH = re.compile(
    r"(?<=[^/])(?:(?:/(?:amp|print))+(?=/?$)|\.amp(?=(?:\.html?)?$)|_amp(?=\.s?html?$)|/amp\.html?$)", re.IGNORECASE
)
# Where sites put their AMP pages beside the end of a path: a step of their own on the way.
_AMP_STEP = re.compile(r"/\.?amp(?=/[^/])", re.IGNORECASE)
# Names that a site gives to its front door, beside the one its owner registered.
_DOOR = re.compile(r"(?:www\d?|m|mobile|amp)\.", re.IGNORECASE)
_HOME_PATH = re.compile(r"/(?:index|default|home)\.(?:html?|php|aspx?)", re.IGNORECASE)
# Addresses that only lead on to the one in their query (alerts, searches, networks, mail filters): host and path, and
# the parameter. Where only the owner can tell where it leads (news.google.com, feedproxy), there is nothing to unwrap.
_WRAPPERS = (
    (re.compile(r"(?:www\.)?google\.(?:com?\.)?[a-z]{2,3}/url", re.IGNORECASE), ("url", "q")),
    (re.compile(r"(?:www\.)?bing\.com/news/apiclick\.aspx", re.IGNORECASE), ("url",)),
    (re.compile(r"lm?\.(?:facebook|instagram)\.com/(?:l\.php)?", re.IGNORECASE), ("u",)),
    (re.compile(r"out\.reddit\.com/[^?]{0,64}", re.IGNORECASE), ("url",)),
    (re.compile(r"t\.umblr\.com/redirect", re.IGNORECASE), ("z",)),
    (re.compile(r"(?:www\.)?youtube\.com/redirect", re.IGNORECASE), ("q",)),
    (re.compile(r"[a-z0-9-]{1,32}\.safelinks\.protection\.outlook\.com/[^?]{0,64}", re.IGNORECASE), ("url",)),
)
# What any of them has: an address in its query.
_CARRIES = re.compile(r"[^?]{1,200}\?(?:.*&)?(?:url|u|q|z)=https?(?::|%3a)", re.IGNORECASE)

# A URL that is spelled cleanly already, as nearly all in feeds are: taking one apart costs thirty times as much.
_CLEAN = re.compile(
    r"https?://(?=[^/]{4,63}/)(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.){1,4}[a-z]{2,16}"
    r"/(?:[\w~!$&()*+,=:@/-]++|(?<!/)\.|%[0-9A-F]{2})*+(?:\?(?:[\w.~!$&()*+,=:@/?-]++|%[0-9A-F]{2})++)?",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?|[0-9a-f:.]+", re.IGNORECASE)

# The bundled list, never the network; private suffixes too, since two blogs on blogspot.com are two owners.
_suffixes = TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


def normalise(url: str) -> str:
    """The one spelling of a URL, by which two of them are the same page.

    Idempotent: normalising what it gives changes nothing.

    Raises:
        UrlError: it is no http or https URL with a host.
    """
    spelling = None
    while spelling != url:
        # What is folded away may uncover another variant (`/print/amp`), so this goes on until nothing changes.
        spelling, url = url, _fold(_parse(unwrapped(url), canonicalize_url))
    return url


def clean(url: str, base: str | None = None) -> str:
    """A URL as it may be asked for: absolute, escaped, without fragment or credentials, else as it was given.

    An address that only leads on to another, as those of Google's alerts, becomes the one that it leads to.

    Raises:
        UrlError: it is no http or https URL with a host.
    """
    url = url.strip()
    if len(url) > MAX_URL_LENGTH or not _CLEAN.fullmatch(url):
        try:
            url = _parse(urljoin(base, url) if base else url, safe_url_string).geturl()
        except ValueError as error:
            raise UrlError(url, str(error)) from error
    goal = unwrapped(url)
    return url if goal == url else clean(goal)


def unwrapped(url: str) -> str:
    """The address that one of a known redirector leads to; any other address as it is. Nothing is asked."""
    # What a query carries is shorter than the whole, so this ends.
    while len(url) <= MAX_URL_LENGTH and _CARRIES.match(url) and (goal := _goal(url)) is not None:
        url = goal
    return url


def _goal(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    place = f"{parts.hostname}{parts.path}"
    names = next((names for wrapper, names in _WRAPPERS if wrapper.fullmatch(place)), ())
    query = parse_qs(parts.query) if names else {}
    goals = (goal for name in names for goal in query.get(name, ()))
    return next((goal for goal in goals if goal.lower().startswith(("http://", "https://"))), None)


@lru_cache(maxsize=1024)  # a page goes through many hands at about the same time
def authority(url: str) -> str:
    """Host and, where it is not the scheme's own, port of a URL: what pace and robots go by. Raises UrlError."""
    return _parse(url, safe_url_string).netloc


@lru_cache(maxsize=1024)
def registrable_domain(url: str) -> str:
    """The domain its owner registered (`example.co.uk`); the host itself where there is none (addresses, `localhost`).

    Raises:
        UrlError: it is no http or https URL with a host.
    """
    host = _parse(url, safe_url_string).hostname or ""
    parts = _suffixes(host)
    if parts.suffix or ":" in host or host.rpartition(".")[2].isdecimal():
        return parts.top_domain_under_public_suffix or host
    # The list's own rule for endings that it does not have: one label is the ending.
    return ".".join(host.split(".")[-2:])


def has_public_suffix(host: str) -> bool:
    """Whether a name ends as names of the web do; `printer`, `intranet.corp` and `router.local` do not."""
    return bool(_suffixes(host).suffix)


def canonical(requested: str, declared: str | None) -> str:
    """The canonical URL of a page: the declared one (rel=canonical) where it can be believed, else the requested one.

    A declaration counts only within the same registrable domain, and never for a home page, which careless templates
    name on every article.

    Raises:
        UrlError: `requested` is no http or https URL with a host.
    """
    own = normalise(requested)
    if not declared or not declared.strip():
        return own
    try:
        claimed = normalise(clean(declared, base=requested))
    except UrlError:
        return own
    believed = registrable_domain(claimed) == registrable_domain(own) and not _is_home(claimed)
    return claimed if believed else own


def url_id(url: str) -> str:
    """The identity of a requested URL: key of frontier, ledger and pages. Raises UrlError."""
    return _digest(f"url {_identity(url)}")


def article_id(canonical_url: str) -> str:
    """The identity of the article at a canonical URL. Raises UrlError."""
    return _digest(f"article {_identity(canonical_url)}")


def fetch_id(url_id: str, fetched_at: datetime) -> str:
    """The identity of one fetch; those of one URL sort as text in the order of time."""
    return f"{url_id}-{fetched_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


def _identity(url: str) -> str:
    """What is left of a URL when all that no two articles ever differed in is folded away; no address any more."""
    parts = urlsplit(normalise(url))
    path = _AMP_STEP.sub("", parts.path).rstrip("/")
    return f"{_house(parts.netloc)}{path}?{parts.query}"


@lru_cache(maxsize=4096)  # there are few hosts, and each comes often
def _house(authority: str) -> str:
    """A host, with its port, without the names of its doors; what its owner registered stays whole."""
    while (door := _DOOR.match(authority)) and registrable_domain(f"http://{authority}") != authority.partition(":")[0]:
        authority = authority[door.end() :]
    return authority


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _parse(url: str, tidy: Callable[[str], str]) -> SplitResult:
    """Split a URL that w3lib has escaped (and, by canonicalize_url, ordered: WHATWG URL, RFC 3986 dot segments)."""
    if len(url) > MAX_URL_LENGTH:
        raise UrlError(url, f"longer than {MAX_URL_LENGTH} characters")
    try:
        parts = urlsplit(tidy(url.strip()))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise UrlError(url, str(error)) from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise UrlError(url, "neither http nor https")
    if not _HOST.fullmatch(host):
        raise UrlError(url, f"{host!r} is no host")
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{port}"
    return parts._replace(netloc=netloc, path=parts.path or "/", fragment="")


def _fold(parts: SplitResult) -> str:
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _folds(pair))
    return parts._replace(path=_VARIANT_PATH.sub("", parts.path), query=query).geturl()


def _folds(pair: str) -> bool:
    name, _, value = pair.partition("=")
    return bool(_TRACKING.fullmatch(name)) or value.lower() in _VARIANTS.get(name.lower(), ())


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return not parts.query and (parts.path == "/" or bool(_HOME_PATH.fullmatch(parts.path)))
