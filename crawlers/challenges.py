"""Challenges: what a site's guard sends in place of the page to find out whether a person asks.

They come with 403, 429, 503, or as a success. None is solved here, and none is an article: the page is put off. Marks
are those of the guards' own pages, told apart from what the same firms add to every page that they guard.
"""

import re

from scrapy.http import Response

from crawlers.headers import header

_HEADERS = {"cf-mitigated": "Cloudflare", "x-amzn-waf-action": "AWS WAF"}
# No challenge is as long as an ordinary page, so only short bodies are searched; Cloudflare's are the longest.
_LONGEST = 64 * 1024
# Plain searches, since a regular expression over every page would cost a crawl a tenth of its speed. All must be there.
_MARKS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("Cloudflare", (b"_cf_chl_opt",)),
    ("Cloudflare", (b'id="challenge-form"',)),
    ("DataDome", (b"captcha-delivery.com",)),
    ("HUMAN", (b"px-captcha",)),
    ("Imperva", (b"_Incapsula_Resource", b"incident_id=")),
    ("Akamai", (b"sec-if-cpt-container",)),
    ("Akamai", (b"/_sec/cp_challenge/",)),
    ("AWS WAF", (b"AwsWafIntegration.checkForceRefresh",)),
)
# Imperva's script is on pages that it guards, too; where a page holds nothing else, it stands for the page.
_NOTHING_ELSE = 1024
_HEAD = 4096
_TITLE = re.compile(
    rb"""(?ix) <title[^>]*> \s* (?:
      just\ a\ moment\.\.\. | attention\ required!\ \|\ cloudflare | access\ to\ this\ page\ has\ been\ denied\.?
    | pardon\ our\ interruption(?:\.\.\.)? | robot\ or\ human\?? | are\ you\ (?:a\ )?(?:robot|human)\??
    | (?:captcha|bot|security)\ (?:check|challenge) | client\ challenge | ddos-guard
    | verify(?:ing)?\ (?:that\ )?you\ are\ (?:a\ )?human\.{0,3}
    ) \s* </title>
    """
)


def challenge_in(response: Response) -> str | None:
    """Whose challenge an answer is; None where it is none."""
    guard = next((guard for name, guard in _HEADERS.items() if header(response, name)), None)
    body = response.body
    if guard is not None or len(body) > _LONGEST:
        return guard
    guard = next((guard for guard, marks in _MARKS if all(mark in body for mark in marks)), None)
    if guard is None and len(body) < _NOTHING_ELSE and b"_Incapsula_Resource" in body:
        return "Imperva"
    return guard or ("by its title" if _TITLE.search(body[:_HEAD]) else None)


def why_unread(response: Response, told: str) -> str:
    """Why an answer gave nothing to read: as told, or because it is a challenge."""
    guard = challenge_in(response)
    return f"challenge: {guard}, {told}" if guard else told
