"""These tests need packages of others, and are collected only where AMIKIT_THIRD_PARTY=1 says that they are there."""

import os

collect_ignore_glob = [] if os.environ.get("AMIKIT_THIRD_PARTY") == "1" else ["*"]
