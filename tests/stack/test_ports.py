"""Ports for servers that start later: nobody may take one in between."""

import socket
import subprocess
import sys

import pytest

from stack.process import first_port_of_system, free_port

FROM_ANOTHER_PROCESS = "from stack.process import free_port; print([free_port() for _ in range(300)]); input()"


def test_no_two_processes_are_given_the_same_port() -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", FROM_ANOTHER_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [other.stdout.readline() for other in others if other.stdout is not None]
    lists = [list(map(int, line.strip("[]\n").split(", "))) for line in said]
    for other in others:
        other.communicate("\n")
    ports = [port for given in lists for port in given]
    assert len(set(ports)) == len(ports) == 1200


@pytest.mark.skipif(first_port_of_system() <= 16000, reason="this system gives out all ports itself")
def test_the_system_gives_none_of_these_ports_away() -> None:
    port = free_port()
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(50)]
    try:
        assert port < min(server.getsockname()[1] for server in taken)
    finally:
        for server in taken:
            server.close()
