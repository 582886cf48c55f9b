"""What the tests of the package `amisim` share."""

from hypothesis import settings

settings.register_profile("amikit", deadline=None)
settings.load_profile("amikit")
