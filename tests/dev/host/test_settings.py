from pathlib import Path

import pytest

from dev.host.settings import (
    HOST_ID_SETTING,
    Connections,
    HostError,
    host_id,
    read_host_options,
    read_local_settings,
    seconds,
)


def test_host_json_is_read_and_settings_win_over_it(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(
        '{"version": "2.0", "functionTimeout": "-1", "extensions": {"queues":'
        ' {"batchSize": 8, "newBatchThreshold": 4, "visibilityTimeout": "00:00:30"}}}'
    )
    settings = {"AzureFunctionsJobHost__extensions__queues__batchSize": "2"}

    options = read_host_options(tmp_path, settings)

    queues = options.extensions.queues
    assert (queues.batch_size, queues.new_batch_threshold) == (2, 4)
    assert queues.visibility_timeout == 30
    assert queues.max_dequeue_count == 5
    assert options.function_timeout is None


@pytest.mark.parametrize(
    "queues",
    ['{"batchSize": 33}', '{"maxPollingInterval": "00:00:00.05"}', '{"visibilityTimeout": "30 s"}'],
)
def test_a_value_out_of_bounds_is_refused(tmp_path: Path, queues: str) -> None:
    (tmp_path / "host.json").write_text(f'{{"extensions": {{"queues": {queues}}}}}')

    with pytest.raises(HostError, match=r"host\.json"):
        read_host_options(tmp_path, {})


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"there is no host\.json"):
        read_host_options(tmp_path, {})


def test_encrypted_local_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": true, "Values": {}}')

    with pytest.raises(HostError, match="decrypt"):
        read_local_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"), [("00:00:30", 30), ("1.00:00:01.5", 86401.5), ("01:00:00", 3600)]
)
def test_a_time_span_is_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"X": "UseDevelopmentStorage=true"}, "http://127.0.0.1:10001/devstoreaccount1"),
        (
            {"AzureWebJobsX": "UseDevelopmentStorage=true"},
            "http://127.0.0.1:10001/devstoreaccount1",
        ),
        ({"X__accountName": "acme"}, "https://acme.queue.core.windows.net"),
        ({"X__queueServiceUri": "https://q.example"}, "https://q.example"),
    ],
)
def test_a_connection_is_a_string_or_an_identity(settings: dict[str, str], url: str) -> None:
    connections = Connections(settings)

    assert connections.queues("X").url.rstrip("/") == url
    connections.close()


def test_the_host_id_is_the_setting_or_comes_from_the_path(tmp_path: Path) -> None:
    given = host_id(tmp_path, {HOST_ID_SETTING: "MINE"})
    derived = host_id(tmp_path, {})

    assert given == "mine"
    assert derived == host_id(tmp_path, {}) != host_id(tmp_path / "other", {})
    assert len(derived) == 32
