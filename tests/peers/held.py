"""Holds programs to AVX2 or AVX-VNNI on a processor that has AVX-512.

Most peers have no setting for it: they ask the processor. So they run from a copy in which each
`cpuid` instruction is a trap, and a preloaded handler (held.c) answers as the processor does, less
AVX-512 (and AVX-VNNI). Everything else in the copy is as it was. glibc has a setting of its own.
The kernel notes when each process last used AVX-512: `seen` asks it. On x86-64 Linux only.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import time

HERE = pathlib.Path(__file__).parent
GLIBC = ["AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ", "AVX512CD"]


def trapped(source, target):
    """Copies `source`, its `cpuid` instructions trapped; a link where it has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    command = ["objdump", "-d", "--no-show-raw-insn", str(source)]
    found = []
    if b"\x0f\xa2" in source.read_bytes():
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.rstrip().endswith("cpuid"):
                    found.append(int(line.split(":")[0], 16))
    if not found:
        os.link(source, target)
        return 0
    shutil.copy(source, target)
    headers = subprocess.run(
        ["objdump", "-h", "-w", str(source)], capture_output=True, text=True, check=True
    ).stdout
    # Size, address and place in the file of each section.
    sections = re.findall(r"^ *\d+ \S+ +(\w+) +(\w+) +\w+ +(\w+) .*CODE", headers, re.M)
    sections = [[int(number, 16) for number in section] for section in sections]
    with open(target, "r+b") as file:
        for address in found:
            for size, start, place in sections:
                if start <= address < start + size:
                    file.seek(place + address - start)
                    assert file.read(2) == b"\x0f\xa2", f"{source}: no cpuid at {address:x}"
                    file.seek(-2, os.SEEK_CUR)
                    file.write(b"\xcc\x90")
    return len(found)


def prepare(folder, programs):
    """Makes the copies in `folder`: of Python's packages, and of `programs`. Returns the latter."""
    # In a process of its own, which leaves this one as small as it was.
    command = [sys.executable, str(HERE / "held.py"), str(folder), *map(str, programs)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return output.split("\n")[:-1]


def main():
    folder, programs = pathlib.Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", "-o", str(folder / "held.so"), str(HERE / "held.c")],
        check=True,
    )
    packages, copy = pathlib.Path(sysconfig.get_path("purelib")), folder / "packages"
    stamp = sorted(path.name for path in packages.glob("*.dist-info"))
    if not (folder / "made").exists() or (folder / "made").read_text().split() != stamp:
        shutil.rmtree(copy, ignore_errors=True)
        for path in packages.rglob("*"):
            if not path.is_file() or path.is_symlink() or "__pycache__" in path.parts:
                continue
            target = copy / path.relative_to(packages)
            with open(path, "rb") as file:
                binary = file.read(4) == b"\x7fELF"
            if binary:
                count = trapped(path, target)
                if count:
                    print(f"{path.name}: {count} cpuid instructions", file=sys.stderr)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, target)
        (folder / "made").write_text("\n".join(stamp))
    for program in map(pathlib.Path, programs):
        trapped(program, folder / program.name)
        print(folder / program.name)


def environment(folder, isa):
    """For a child process that is to be held."""
    return os.environ | {
        "HELD": isa,
        "LD_PRELOAD": str((folder / "held.so").resolve()),
        "PYTHONPATH": str((folder / "packages").resolve()),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in GLIBC),
    }


def seen(process, since):
    """Whether the kernel saw the process use AVX-512 since `since` (of time.monotonic, after its
    last turn); None where the kernel does not say."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/arch_status").read_text()
    except OSError:
        return None
    found = re.search(r"AVX512_elapsed_ms:\s*(-?\d+)", status)
    if not found:
        return None
    # A process starts with its parent's registers, so only what came later counts.
    return 0 <= int(found[1]) < (time.monotonic() - since) * 1e3 - 20


if __name__ == "__main__":
    main()
