"""Secrets: made once, for their owner's eyes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.secrets import API_SIGNING_KEY, SecretMissing, SecretStore


def test_a_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """File 0600 in a directory 0700, also where the directory was there before."""
    (tmp_path / "secrets").mkdir(mode=0o755)
    store = SecretStore(tmp_path)
    store.ensure(API_SIGNING_KEY)

    modes = [path.stat().st_mode & 0o777 for path in (store.directory, store.path(API_SIGNING_KEY))]

    assert modes == [0o700, 0o600]


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    """The second start reads what the first one made; another directory has another."""
    made = SecretStore(tmp_path / "one").ensure(API_SIGNING_KEY)

    assert SecretStore(tmp_path / "one").ensure(API_SIGNING_KEY) == made
    assert SecretStore(tmp_path / "two").ensure(API_SIGNING_KEY) != made
    assert len(made) >= 43


def test_all_who_make_a_secret_at_the_same_time_get_the_same(tmp_path: Path) -> None:
    """The first to finish wins, nothing half-written is read and nothing is left lying about."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: SecretStore(tmp_path).ensure(API_SIGNING_KEY), range(8)))

    assert len(set(made)) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == [API_SIGNING_KEY]


def test_a_secret_that_no_start_has_made_is_named(tmp_path: Path) -> None:
    """The error says which file is missing."""
    with pytest.raises(SecretMissing, match=API_SIGNING_KEY):
        SecretStore(tmp_path).read(API_SIGNING_KEY)
