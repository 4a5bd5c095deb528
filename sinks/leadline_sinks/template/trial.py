"""Templates tried on samples, so that a mistake is found before an incident."""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.errors import UsageError
from leadline.settings.sink import SinkSettings
from leadline.settings.template_target import TemplateSettings
from leadline_sinks.targets import target_settings


@dataclass(frozen=True, slots=True)
class TemplateTrial:
    """The body that a template gives for a sample; empty for nothing."""

    target: str
    sample: str
    body: str


def tried(settings: SinkSettings, target: str | None = None) -> Iterator[TemplateTrial]:
    """Each template with each sample. Raises UsageError for the first that fails, or when no target has a template."""
    names = [name for name in settings.names() if name != "console"]
    found = {name: group for name in names if isinstance(group := target_settings(settings, name), TemplateSettings)}
    if target is not None and target not in found:
        raise UsageError(f"{target!r} is no target with a template; there are: {', '.join(found) or 'none'}")
    if not found:
        return
    from leadline_sinks.template.render import body
    from leadline_sinks.template.samples import samples

    for name, group in found.items():
        if target in (None, name):
            for sample, notification in samples().items():
                try:
                    made = body(group, notification, settings.notify)
                except UsageError as error:
                    raise UsageError(f"{name}, tried on an incident {sample}: {error}") from None
                yield TemplateTrial(name, sample, made.decode())
