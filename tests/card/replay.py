#!/usr/bin/env python3
"""Power cuts, made from a log of a card's writes: what each would have left is repaired and read.

    tests/card/replay.py LOG BASE --program sonolamp --key clinic.key [--cuts 1000] [--seed 1]

LOG   what qemu's blklogwrites wrote (format of dm-log-writes): writes and flushes in their order
BASE  the card as it was before the first of them

A cut falls behind any entry of the log. All writes before the last flush are on the card; of those
after it there is a subset, drawn by --seed: none, all, or each whole or in part with a chance, sector by
sector, so that a later one may be there without an earlier one. Then, on the FAT partition: /ab.env is
read as U-Boot reads it, without repair, and must be the last one that was acknowledged or a later one;
fsck.vfat -a, and fsck.vfat -n finds nothing. On a real card every slot that U-Boot would start (its folder
has a slot.env) has the root that its hash tree and root hash say, and the kernel and initrd that came with that
root hash, and there is such a slot. On the last ext4 partition: `e2fsck -p`, and -y, and then -fy, where
that gives up, as at boot; `e2fsck -fn` finds nothing; it is mounted, or where this machine cannot mount, read
with debugfs; `exam check` finds no damage, every exam that had been acknowledged before the cut is listed, and every exam that is
listed computes to its verdict again (`exam verify`, once for each pair of files).

What was acknowledged when is told by marks in the log: pages that begin with SONOMARK, written into
the gap before the first partition (tests/card/exams.sh). Cuts prefer the places right behind a mark.

--after FILE  makes no such test: writes the card as a cut at the log's end leaves it (for cuts.sh)
--debugfs   does not mount, also where this machine could
--lie N     a card that answers a flush and does not do it: the last N flushes are forgotten
--only I    cut number I alone; --keep FOLDER leaves its partitions there, unrepaired
The exit status is 0 only if nothing was wrong. Needs e2fsprogs, dosfstools and mtools. Python 3.9.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
MARK = b"SONOMARK "
os.environ["PATH"] += ":/usr/sbin:/sbin"

Entry = collections.namedtuple("Entry", "start length flags place")


def read_log(file):
    """The log's entries; `place` is where an entry's data begins in the file."""
    magic, version, count, size = struct.unpack("<QQQI", os.pread(file, 28, 0))
    if magic != 0x6A736677736872 or version != 1:
        sys.exit("replay.py: LOG is no log of writes; make one with tests/card/record.sh")
    entries, at, end = [], size, os.fstat(file).st_size
    while at < end:
        sector, sectors, flags, _ = struct.unpack("<QQQQ", os.pread(file, 32, at))
        # The count is behind where qemu was killed. Behind the last entry there is nothing.
        if len(entries) >= count and not (sectors or flags):
            break
        at += size
        entries.append(Entry(sector * size, sectors * size, flags, at))
        if not flags & DISCARD:
            at += sectors * size
    return entries


def partitions(disk):
    """Start, length and type of those that the master boot record names."""
    found = []
    for i in range(4):
        kind, start, sectors = struct.unpack("<4xB3xII", os.pread(disk, 16, 446 + 16 * i))
        if kind:
            found.append((start * SECTOR, sectors * SECTOR, kind))
    return found


def copy_data(source, start, length, path):
    """A part of a disk as a file of its own; holes stay holes."""
    out = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.ftruncate(out, length)
    at = start
    while at < start + length:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError:
            break
        end = min(os.lseek(source, at, os.SEEK_HOLE), start + length)
        while at < end:
            data = os.pread(source, min(1 << 20, end - at), at)
            os.pwrite(out, data, at - start)
            at += len(data)
    return out


def tool(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace").strip()


def can_mount():
    """Whether this machine mounts an ext4 image; else debugfs reads it."""
    with tempfile.TemporaryDirectory() as folder:
        image, place = folder + "/image", folder + "/place"
        os.mkdir(place)
        with open(image, "wb") as file:
            file.truncate(4 << 20)
        if tool("mke2fs", "-q", "-F", "-t", "ext4", image)[0]:
            sys.exit("replay.py: missing mke2fs: apt-get install e2fsprogs")
        if tool("mount", "-o", "loop", image, place)[0]:
            return False
        tool("umount", place)
        return True


class Card:
    """What is on the card for certain, and what may be."""

    def __init__(self, log, entries, base, path, lie):
        self.log, self.entries, self.lie = log, entries, lie
        source = os.open(base, os.O_RDONLY)
        self.disk = copy_data(source, 0, os.fstat(source).st_size, path)
        os.close(source)
        self.done = 0
        self.flushes = [i for i, entry in enumerate(entries) if entry.flags & FLUSH]

    def data(self, entry):
        return os.pread(self.log, entry.length, entry.place)

    def settled(self, cut):
        """How many entries a cut behind `cut` entries cannot take away any more."""
        before = [i for i in self.flushes[self.lie :] if i < cut]
        return self.flushes[len(before) - 1] + 1 if before else 0

    def write(self, disk, entry, keep=lambda: True):
        data = bytes(entry.length) if entry.flags & DISCARD else self.data(entry)
        for at in range(0, len(data), SECTOR):
            if keep():
                os.pwrite(disk, data[at : at + SECTOR], entry.start + at)

    def settle(self, upto):
        for entry in self.entries[self.done : upto]:
            data = bytes(entry.length) if entry.flags & DISCARD else self.data(entry)
            os.pwrite(self.disk, data, entry.start)
        self.done = max(self.done, upto)

    def cut(self, cut, chance, path):
        """The card after a cut, as a file; what was still in its cache, and how much of it stayed."""
        self.settle(self.settled(cut))
        disk = copy_data(self.disk, 0, os.fstat(self.disk).st_size, path)
        pending = [entry for entry in self.entries[self.done : cut] if entry.length]
        mode = chance.choice(["none", "all", "whole", "whole", "torn", "torn"])
        share = chance.choice([0.2, 0.5, 0.8])
        kept = 0
        for entry in pending:
            if mode == "all" or entry.flags & FUA or (mode == "whole" and chance.random() < share):
                self.write(disk, entry)
                kept += 1
            elif mode == "torn":
                self.write(disk, entry, lambda: chance.random() < share)
        return disk, mode, len(pending), kept


class Judge:
    """Repairs and reads what a cut has left, and says what is wrong with it."""

    def __init__(self, arguments, work):
        self.program, self.key, self.store = arguments.program, arguments.key, arguments.store
        self.work, self.mounts = work, not arguments.debugfs and can_mount()
        self.verified, self.counts = {}, collections.Counter()
        self.kernels, self.roots = {}, set()

    def fat(self, image, allowed):
        """`allowed` are the texts that /ab.env may have; None: it need not be there yet."""
        found = self.read(image, "ab.env")
        if found is None or found.rstrip(b"\0") not in allowed:
            yield "ab.env is none of those it may be", repr(found)
        code, text = tool("fsck.vfat", "-a", image)
        self.counts["FAT repaired"] += code == 1
        if code > 1 or tool("fsck.vfat", "-n", image)[0]:
            yield "the FAT is not clean after its repair", text

    def read(self, image, name):
        """A file of a FAT image; None where there is none."""
        place = self.work + "/read"
        code, _ = tool("mcopy", "-n", "-i", image, "::" + name, place)
        if code:
            return None
        with open(place, "rb") as file:
            data = file.read()
        os.unlink(place)
        return data

    def slots(self, image, disk, roots, changed):
        """Slots that may be started; `roots` are the partitions, `changed` tells those that may differ."""
        startable = 0
        for name, (start, length, _) in zip("AB", roots):
            facts = self.read(image, name + "/slot.env")
            if facts is None:
                continue
            startable += 1
            facts = dict(line.split("=", 1) for line in facts.decode(errors="replace").split() if "=" in line)
            files = [self.read(image, f"{name}/{file}") or b"" for file in ("vmlinuz", "initrd")]
            kernel = [hashlib.sha256(file).digest() for file in files]
            root_hash = facts.get("ROOT_HASH", "none")
            if self.kernels.setdefault(root_hash, kernel) != kernel:
                yield "a slot has another kernel than its own", name
            if name in changed or (name, root_hash) not in self.roots:
                place = self.work + "/root"
                os.close(copy_data(disk, start, length, place))
                offset = facts.get("HASH_OFFSET", "0")
                code, text = tool("veritysetup", "verify", place, place, root_hash, "--hash-offset", offset)
                os.unlink(place)
                if code:
                    yield "a slot that would be started is damaged", f"{name}: {text}"
                elif name not in changed:
                    self.roots.add((name, root_hash))
        if not startable:
            yield "no slot can be started", ""

    def ext4(self, image, kept):
        code, _ = tool("e2fsck", "-p", image)
        if code >= 4:
            self.counts["needed e2fsck -y"] += 1
            code, text = tool("e2fsck", "-y", image)
            if code >= 4:
                self.counts["twice"] += 1
                code, text = tool("e2fsck", "-fy", image)
            if code >= 4:
                yield "e2fsck gives up", text
                return
        code, text = tool("e2fsck", "-fn", image)
        if code:
            yield "e2fsck finds errors after the repair", text
        place = self.work + "/data"
        shutil.rmtree(place, ignore_errors=True)
        os.mkdir(place)
        if self.mounts:
            code, text = tool("mount", "-o", "loop,noatime", image, place)
            if code:
                yield "the file system is not mounted", text
                return
            try:
                yield from self.exams(place + "/" + self.store, kept)
            finally:
                tool("umount", place)
        else:
            tool("debugfs", "-R", f"rdump / {place}", image)
            yield from self.exams(place + "/" + self.store, kept)

    def exams(self, store, kept):
        if not os.path.isdir(store):
            if kept:
                yield "acknowledged exams are missing", f"all {len(kept)}: there is no store"
            self.counts["no store yet"] += 1
            return
        code, text = tool(self.program, "exam", "check", "--store", store)
        if code:
            yield "the store's check finds damage", text
        self.counts["mended on opening"] += "sonolamp: " in text
        command = [self.program, "exam", "list", "--json", "--most", "100000", "--store", store, "--key", self.key]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            # Nothing was ever kept in it: there is nothing that a key could open.
            if kept or "opens nothing" not in words:
                yield "the store is not opened", words
            return
        listed = [json.loads(line)["exam"] for line in done.stdout.splitlines()]
        missing = [exam for exam in kept if exam not in listed]
        if missing:
            yield "acknowledged exams are missing", f"{len(missing)} of {len(kept)}: {missing[0]}"
        self.counts["exams read"] += len(listed)
        self.counts["beyond the acknowledged"] += len(set(listed) - set(kept))
        for exam in listed:
            yield from self.verdict(store, exam)

    def verdict(self, store, exam):
        digest = hashlib.sha256()
        for end in (".envelope", ".clip"):
            try:
                with open(f"{store}/{exam}{end}", "rb") as file:
                    digest.update(file.read())
            except OSError as error:
                yield "half an exam is listed", f"{exam}: {error}"
                return
        name = digest.hexdigest()
        if name not in self.verified:
            self.verified[name] = tool(self.program, "exam", "verify", exam, "--store", store, "--key", self.key)
        code, text = self.verified[name]
        if code:
            yield "an exam is listed whose verdict does not hold", f"{exam}: {text}"


def cut_at_end(log, entries, arguments):
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        card = Card(log, entries, arguments.base, work + "/card", arguments.lie)
        disk, mode, pending, stayed = card.cut(len(entries), random.Random(arguments.seed), arguments.after)
        os.close(disk)
    print(f"{len(entries)} entries, {pending} that no flush had made safe: {mode}, {stayed} stayed whole")


def main():
    parser = argparse.ArgumentParser(description="see the text at this file's beginning")
    parser.add_argument("log")
    parser.add_argument("base")
    parser.add_argument("--program")
    parser.add_argument("--key")
    parser.add_argument("--after")
    parser.add_argument("--store", default="sonolamp/exams", help="its folder on the data partition")
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lie", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep")
    parser.add_argument("--debugfs", action="store_true")
    parser.add_argument("--work", default="/dev/shm" if os.path.isdir("/dev/shm") else None, help="where to work")
    arguments = parser.parse_args()

    log = os.open(arguments.log, os.O_RDONLY)
    # A board that is killed before it has started has not even begun its log.
    begun = any(os.pread(log, 28, 0)) or not arguments.after
    entries = read_log(log) if begun else []
    if arguments.after:
        cut_at_end(log, entries, arguments)
        return
    if not (arguments.program and arguments.key):
        sys.exit("replay.py: --program and --key are needed to look into the store")
    with tempfile.TemporaryDirectory(dir=arguments.work) as work:
        card = Card(log, entries, arguments.base, work + "/card", arguments.lie)
        parts = partitions(card.disk)
        fat = next((part for part in parts if part[2] in (0x0B, 0x0C, 0x0E, 0x06)), None)
        data = next((part for part in reversed(parts) if part[2] == 0x83), None)
        judge = Judge(arguments, work)
        roots = parts[1:3] if len(parts) == 4 else []
        writes = [(i, entry.start) for i, entry in enumerate(entries) if entry.length]
        first_writes = [
            next((i for i, at in writes if start <= at < start + length), len(entries)) for start, length, _ in roots
        ]

        # The marks, and every text of /ab.env, in the log's order.
        marks, texts = [], []
        for i, entry in enumerate(entries):
            if not entry.length or entry.flags & DISCARD:
                continue
            head = os.pread(log, min(entry.length, SECTOR), entry.place)
            if head.startswith(MARK):
                marks.append((i + 1, head.split(b"\0")[0].decode().split()[1:]))
            elif head.startswith(b"BOOT_"):
                texts.append((i + 1, head.rstrip(b"\0")))
        before = None
        if fat:
            image = work + "/before"
            os.close(copy_data(card.disk, fat[0], fat[1], image))
            before = (judge.read(image, "ab.env") or b"").rstrip(b"\0")
            os.unlink(image)

        chance = random.Random(arguments.seed)
        places = []
        for _ in range(arguments.cuts):
            if marks and chance.random() < 0.3:
                places.append(min(len(entries), chance.choice(marks)[0] + chance.choice([0, 0, 1, 2, 5])))
            else:
                places.append(chance.randint(1, len(entries)))
        places.sort()

        acknowledged = sum(what[0] == "kept" for _, what in marks)
        written = sum(entry.length for entry in entries)
        print(
            f"replay: {len(entries)} entries, {written / 1e6:.1f} MB, {len(card.flushes)} flushes, "
            f"{acknowledged} exams acknowledged, /ab.env written {len(texts)} times; "
            f"{'mounts' if judge.mounts else 'reads with debugfs (this machine mounts no image)'}"
        )
        if not acknowledged:
            sys.exit("replay.py: no exam was acknowledged in this log: there is nothing to lose")
        began, bad, loose = time.time(), collections.Counter(), 0
        for number, place in enumerate(places):
            chance = random.Random(f"{arguments.seed} {number}")
            if arguments.only not in (None, number):
                continue
            disk, mode, pending, stayed = card.cut(place, chance, work + "/cut")
            loose += pending > 0
            problems = []
            for part, name in ((fat, "fat"), (data, "ext4")):
                if part:
                    os.close(copy_data(disk, part[0], part[1], f"{work}/{name}"))
                    if arguments.keep:
                        os.makedirs(arguments.keep, exist_ok=True)
                        shutil.copy(f"{work}/{name}", f"{arguments.keep}/{name}")
            if roots:
                changed = "".join(slot for slot, first in zip("AB", first_writes) if first < place)
                problems += judge.slots(work + "/fat", disk, roots, changed)
            os.close(disk)
            if fat:
                safe = [i for i, what in marks if i <= place and what[0] == "abenv"]
                since = safe[-1] if safe else 0
                last = [text for i, text in texts if i <= since][-1:] or [before]
                later = [text for i, text in texts if since < i <= place]
                problems += judge.fat(work + "/fat", last + later)
            if data:
                kept = [what[1] for i, what in marks if i <= place and what[0] == "kept"]
                problems += judge.ext4(work + "/ext4", kept)
            for what in {what for what, _ in problems}:
                bad[what] += 1
            if problems and sum(bad.values()) < 12:
                for what, words in problems:
                    where = f"cut {number} behind entry {place} ({mode}, {stayed} of {pending})"
                    print(f"  {where}: {what}: {words[:300]}")
        print(
            f"replay: {len(places) if arguments.only is None else 1} cuts at {len(set(places))} places, {loose} with writes "
            f"that no flush had made safe; {time.time() - began:.0f} s"
        )
        print("replay: " + ", ".join(f"{what}: {n}" for what, n in sorted(judge.counts.items()))
              + f", distinct exam files computed again: {len(judge.verified)}")
        for what, n in bad.most_common():
            print(f"FAIL {n} cuts: {what}")
        if not bad:
            print("PASS every cut: file systems repaired, store whole, nothing acknowledged missing")
        sys.exit(bool(bad))


main()
