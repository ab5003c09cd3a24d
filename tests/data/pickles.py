"""Writes pickles.json: CIFAR-10 batches as Python and numpy really pickle them, for tests/pickled_batches.rs.

Run with each interpreter whose pickles are to be kept; entries of others stay:
    python2.7 tests/data/pickles.py; python3 tests/data/pickles.py     # with numpy
Two images; pixel `at` of both together is (at // 1024 + at) % 61, labels are 7 and 2. Values are hex of zlib.
"""
import binascii
import io
import json
import os
import pickle
import sys
import zlib

import numpy

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pickles.json")
IS_PYTHON_2 = sys.version_info[0] == 2
AT = numpy.arange(2 * 3072)
DATA = ((AT // 1024 + AT) % 61).astype(numpy.uint8).reshape(2, 3072)
LABELS = {
    "list": [7, 2],
    "tuple": (7, 2),
    "numpy integers": [numpy.int64(7), numpy.uint8(2)],
    "numpy array": numpy.array([7, 2]),
    "big-endian array": numpy.array([7, 2], dtype=">i2"),
}
ORDERS = {"C": DATA, "Fortran": numpy.asfortranarray(DATA), "view": numpy.repeat(DATA, 2, axis=0)[::2]}


def batch(labels, data, as_bytes):
    entries = {"batch_label": "testing batch 1 of 1", "labels": labels, "data": data}
    entries["filenames"] = ["horse_s_000001.png", u"bird_s_000002.png"]
    entries["confidence"] = 0.5
    if as_bytes:
        return {key.encode("ascii"): value for key, value in entries.items()}
    return entries


def main():
    kept = {}
    if os.path.exists(PATH):
        with io.open(PATH) as file:
            kept = json.load(file)
    python = "Python %d.%d, numpy %s" % (sys.version_info[:2] + (numpy.__version__,))
    kept = {name: value for name, value in kept.items() if not name.startswith(python)}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        # Each protocol with one of the orders and kinds of keys, so that every pair of them occurs.
        for place, (words, labels) in enumerate(LABELS.items()):
            order = sorted(ORDERS)[(place + protocol) % 3]
            as_bytes = not IS_PYTHON_2 and (place + protocol) % 2 == 1
            entries = batch(labels, ORDERS[order], as_bytes)
            name = "%s, protocol %d, labels: %s, %s order, keys: %s" % (
                python, protocol, words, order, "bytes" if as_bytes else "text")
            pickled = pickle.dumps(entries, protocol)
            if IS_PYTHON_2:
                import cPickle
                pickled = cPickle.dumps(entries, protocol)
            kept[name] = binascii.hexlify(zlib.compress(pickled, 9)).decode("ascii")
    with io.open(PATH, "w") as file:
        text = json.dumps(kept, indent=0, sort_keys=True, separators=(",", ": "))
        file.write(text if isinstance(text, type(u"")) else text.decode("ascii"))
        file.write(u"\n")


main()
