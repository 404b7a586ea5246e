from __future__ import annotations

from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient

from dev.azurite import Azurite
from dev.child import StartFailed, free_port


def test_what_a_stopped_emulator_held_is_there_when_it_starts_again(tmp_path: Path) -> None:
    for start in (1, 2):
        with (
            Azurite.start(folder=tmp_path / "data", name="azurite-test", logs=tmp_path) as emulator,
            TableServiceClient.from_connection_string(emulator.connection_string) as tables,
        ):
            names = tables.create_table_if_not_exists("names")
            if start == 1:
                names.create_entity({"PartitionKey": "p", "RowKey": "r", "text": "고양이"})
            assert names.get_entity("p", "r")["text"] == "고양이"


def test_a_port_in_use_is_named_in_the_complaint(tmp_path: Path) -> None:
    with Azurite.start(name="azurite-first", logs=tmp_path) as first:
        taken = first.ports[1]

        with pytest.raises(StartFailed, match=f"port {taken}.*queues"):
            Azurite.start(ports=(free_port(), taken, free_port()), logs=tmp_path)
