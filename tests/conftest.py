"""What every test runs under."""

from hypothesis import HealthCheck, settings

# A loaded machine is no failure: properties are judged by their examples, not by their speed.
settings.register_profile("leadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leadline")
