"""The command of the documentation that makes the key of a cluster."""

import re
import subprocess
from pathlib import Path

from leadline.signature import cluster_key

PAGE = Path(__file__).parents[3] / "docs/how-to/sign-observations.md"


def test_openssl_makes_the_same_key(tmp_path: Path) -> None:
    commands = "\n".join(re.findall(r"^ *\$ (.*)$", PAGE.read_text(), re.MULTILINE))
    subprocess.run(["bash", "-euc", commands], cwd=tmp_path, check=True)
    secret = (tmp_path / "signing.secret").read_text().strip()
    assert (tmp_path / "orders.key").read_text().strip() == cluster_key(secret, b"orders")
