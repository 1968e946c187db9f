"""What is a challenge in place of a page, and what only looks like one."""

import pytest
from scrapy.http import Response

from crawlers.challenges import challenge_in


def answer(body: str = "", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response("https://one.example/a", 403, named, f"<html><head>{body}</head></html>".encode())


@pytest.mark.parametrize(
    ("response", "guard"),
    [
        (answer(cf_mitigated="challenge"), "Cloudflare"),
        (answer(x_amzn_waf_action="captcha"), "AWS WAF"),
        (answer("<script>window._cf_chl_opt = {cType: 'managed'};</script>"), "Cloudflare"),
        (answer("<script src='https://geo.captcha-delivery.com/captcha/?x=1'></script>"), "DataDome"),
        (answer("<div id='px-captcha'></div>"), "HUMAN"),
        (answer("<iframe src='/_Incapsula_Resource?SWUDNSAI=31&amp;incident_id=1-2'></iframe>"), "Imperva"),
        (answer("<script src='/_Incapsula_Resource?SWJIYLWA=719d34d31c8e3a6e'></script>"), "Imperva"),
        (answer("<div id='sec-if-cpt-container'></div>"), "Akamai"),
        (answer("<script>AwsWafIntegration.checkForceRefresh()</script>"), "AWS WAF"),
        (answer("<title>Just a moment...</title>"), "by its title"),
        (answer("<TITLE lang='en'> Robot or human? </TITLE>"), "by its title"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_pages_of_the_usual_guards_are_known(response: Response, guard: str) -> None:
    assert challenge_in(response) == guard


@pytest.mark.parametrize(
    "body",
    [
        "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
        "<script src='https://js.datadome.co/tags.js'></script>",
        "<script src='/_Incapsula_Resource?SWJIYLWA=719d34d31c8e3a6e6fffd425f7e032f3'></script>" + "<p>news</p>" * 90,
        "<title>Are you a robot? How courts decide who is human</title>",
        "<title>Just a moment: the council thinks again</title>",
        "<p>long</p>" * 8000 + "_cf_chl_opt",
    ],
    ids=["Cloudflare's script", "DataDome's script", "Imperva's script", "a headline", "another", "a long page"],
)
def test_what_guards_add_to_every_page_and_what_articles_say_is_no_challenge(body: str) -> None:
    assert challenge_in(answer(body)) is None
