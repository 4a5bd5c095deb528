"""The plots of a page: the lags of some links in the last hour and day. Pure."""

from collections.abc import Iterable
from datetime import datetime

from leadline.model.status import LinkStatus
from leadline_console.plot import LagPlot, lag_plot
from leadline_console.read_model import ReadModel


def lag_plots(model: ReadModel, links: Iterable[LinkStatus], now: datetime) -> list[LagPlot]:
    """The last hour, then the last day."""
    known = [
        (each.link, f"{each.upstream} → {each.downstream}" + (f" ({each.name})" if each.name else ""), history)
        for each in links
        if (history := model.lags.get(each.link)) is not None
    ]
    begins = model.lags_from.timestamp() if model.lags_from is not None else 0.0
    return [lag_plot(span, known, now.timestamp(), begins) for span in ("hour", "day")]
