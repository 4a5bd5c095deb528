"""The checks of ``leadline doctor`` for a verifier: what each link shows, and where positions are kept."""

import asyncio

from leadline.clock import Clock
from leadline.errors import LeadlineError, UnreachableError
from leadline.settings.verify import VerifiedLinkSettings, VerifySettings
from leadline_cli.checks import CheckResult

TIMEOUT_S = 15
"""For two connections and the catalogs of both servers."""


async def links(settings: VerifySettings, clock: Clock) -> list[CheckResult]:
    """Check every link, and the directory for positions."""
    return [
        *await asyncio.gather(*(_link(settings, each, clock) for each in settings.links)),
        positions_of(settings.state_dir),
    ]


def positions_of(state_dir: str) -> CheckResult:
    """Check that positions within tables can be kept."""
    from leadline_verify.scheduled.positions import PositionFiles

    if problem := PositionFiles(state_dir).problem():
        return CheckResult("positions", "writable", "fail", f"{problem}; without it an interrupted table begins anew")
    return CheckResult("positions", "writable", "ok", state_dir)


async def _link(settings: VerifySettings, link: VerifiedLinkSettings, clock: Clock) -> CheckResult:
    from leadline_verify.scheduled.comparison import ServerComparison

    try:
        async with asyncio.timeout(TIMEOUT_S):
            tables = await ServerComparison(settings.budget, clock).tables(link)
    except TimeoutError:
        return CheckResult(link.link, "comparable", "unreachable", f"no answer in {TIMEOUT_S} s")
    except LeadlineError as error:
        away = isinstance(error, UnreachableError)
        return CheckResult(link.link, "comparable", "unreachable" if away else "fail", str(error))
    if not tables:
        return CheckResult(link.link, "comparable", "fail", "no table to compare; look at tables and exclude")
    return CheckResult(link.link, "comparable", "ok", f"{len(tables)} table{'s' if len(tables) > 1 else ''}")
