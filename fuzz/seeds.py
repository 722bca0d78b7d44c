#!/usr/bin/env python3
"""Write each case's tree as one input of the target `services`.

    seeds FOLDER CASES...
"""
import hashlib
import os
import sys


def tree(root):
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    yield os.path.relpath(path, root).encode() + b"\n" + file.read().replace(b"\0", b"")


def main():
    into, *places = sys.argv[1:]
    os.makedirs(into, exist_ok=True)
    for place in places:
        for folder, inner, _ in os.walk(place):
            if "root" in inner:
                inner.clear()
                seed = b"\0".join(tree(os.path.join(folder, "root")))
                with open(os.path.join(into, hashlib.sha256(seed).hexdigest()[:16]), "wb") as file:
                    file.write(seed)


if __name__ == "__main__":
    main()
