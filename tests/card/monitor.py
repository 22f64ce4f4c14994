#!/usr/bin/env python3
"""Sends commands to qemu's monitor: monitor.py SOCKET COMMAND..., and prints what it answers."""
import socket
import sys

with socket.socket(socket.AF_UNIX) as monitor:
    monitor.settimeout(20)
    monitor.connect(sys.argv[1])

    def answer():
        text = b""
        while not text.endswith(b"(qemu) "):
            got = monitor.recv(4096)
            if not got:
                break
            text += got
        return text.decode(errors="replace")

    answer()
    for command in sys.argv[2:]:
        monitor.sendall(command.encode() + b"\n")
        print(answer())
