#!/usr/bin/env python3
"""A name server for benchmarks: the domain the generators write as, and nothing else.

  nameserver.py PORT

example.net publishes SPF and DMARC like a usual sender's domain; every other name does not exist.
It answers over UDP on 127.0.0.1 and is asked once for each name: the server under test caches."""
import socket
import struct
import sys

TTL = 300
A, SOA, MX, TXT = 1, 6, 15, 16


def name(text):
    return b''.join(bytes([len(x)]) + x.encode() for x in text.split('.') if x) + b'\0'


def txt(text):
    return bytes([len(text)]) + text.encode()


ZONE = {
    ('example.net', A): bytes([192, 0, 2, 1]),
    ('example.net', MX): struct.pack('>H', 10) + name('mx.example.net'),
    ('example.net', TXT): txt('v=spf1 ip4:127.0.0.0/8 -all'),
    ('mx.example.net', A): bytes([192, 0, 2, 1]),
    ('client.example.net', A): bytes([192, 0, 2, 2]),
    ('_dmarc.example.net', TXT): txt('v=DMARC1; p=none'),
}
NAMES = {n for n, _ in ZONE}
SOA_DATA = name('ns.example.net') + name('hostmaster.example.net') + struct.pack('>5I', 1, 3600, 600, 86400, TTL)


def record(owner, kind, data):
    return owner + struct.pack('>HHIH', kind, 1, TTL, len(data)) + data


def answer(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode('ascii', 'replace').lower())
        at += 1 + query[at]
    asked = '.'.join(labels)
    kind = struct.unpack('>H', query[at + 1:at + 3])[0]
    data = ZONE.get((asked, kind))
    rcode = 0 if asked in NAMES or any(n.endswith('.' + asked) for n in NAMES) else 3
    flags = 0x8580 | rcode
    head = query[:2] + struct.pack('>5H', flags, 1, 1 if data else 0, 0 if data else 1, 0) + query[12:at + 5]
    if data:
        return head + record(b'\xc0\x0c', kind, data)
    return head + record(name('example.net' if asked.endswith('example.net') else ''), SOA, SOA_DATA)


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', int(sys.argv[1])))
    while True:
        query, peer = s.recvfrom(4096)
        try:
            s.sendto(answer(query), peer)
        except (IndexError, struct.error):
            pass


main()
