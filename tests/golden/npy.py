# SPDX-License-Identifier: Apache-2.0
"""Files as NumPy 2 writes them, and what it reads out of them.

Run as a script it prints tests/golden/npy.h.
"""
import io

import numpy as np

rng = np.random.default_rng(7)


def case(name, array, version=(1, 0), order="C"):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array, order=order), version=version)
    file.seek(0)
    read = np.lib.format.read_array(file)
    return name, file.getvalue(), read.astype(np.float32)


def floats(*shape):
    return rng.standard_normal(shape)


CASES = [
    case("f4 version 1", floats(2, 3, 4).astype("<f4")),
    case("f4 version 2", floats(2, 3).astype("<f4"), (2, 0)),
    case("f4 version 3", floats(5).astype("<f4"), (3, 0)),
    case("f8", floats(2, 3, 4).astype("<f8")),
    case("f8 of the other order", floats(3, 2).astype(">f8")),
    case("f4 of the other order", floats(3, 2).astype(">f4"), (2, 0)),
    case("f4, first index fastest", floats(2, 3, 4).astype("<f4"), (1, 0), "F"),
    case("f8, first index fastest", floats(4, 3, 2, 2).astype(">f8"), (3, 0), "F"),
    case("f2", np.array([0, -0.0, 1, -2.5, 65504, 6e-8, 6.1e-5, 0.1], "<f2")),
    case("f2 of the other order", floats(2, 2).astype(">f2")),
    case("i1", np.array([[-128, -1], [0, 127]], "i1")),
    case("i2", np.array([-32768, 513, -2], "<i2")),
    case("i4", np.array([-2147483648, 66051, -2], ">i4")),
    case("i8", np.array([-(2**63), 2**40 + 1, -2], "<i8")),
    case("u1", np.array([0, 255], "u1")),
    case("u2", np.array([65535, 258], ">u2")),
    case("u4", np.array([4294967295, 1], "<u4")),
    case("u8", np.array([2**64 - 1, 7], "<u8")),
    case("b1", np.array([True, False, True])),
    case("one number", np.float64(2.5)),
    case("no numbers", np.zeros((3, 0, 2), "<f4")),
    case("eight indices", floats(1, 2, 1, 2, 1, 2, 1, 2).astype("<f4"), (1, 0), "F"),
]


def rows(texts, width):
    line = " "
    for text in texts:
        if len(line) + len(text) + 2 > width:
            yield line
            line = " "
        line += f" {text},"
    yield line


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* By tests/golden/npy.py, NumPy", np.__version__, "*/\n")
    for n, (_, data, values) in enumerate(CASES):
        print(f"static const unsigned char npy_file_{n}[] = {{")
        print("\n".join(rows([str(b) for b in data], 89)), "\n};")
        hexes = [float(v).hex() + "f" for v in values.ravel()] or ["0"]
        print(f"static const float npy_values_{n}[] = {{")
        print("\n".join(rows(hexes, 89)), "\n};")
    print("static const struct {\n  const char *name;\n  const unsigned char *file;")
    print("  size_t size;\n  const float *values;\n  size_t count, dimensions;")
    print("  size_t shape[8];\n} npy_cases[] = {")
    for n, (name, data, values) in enumerate(CASES):
        shape = ", ".join(map(str, values.shape)) or "0"
        print(f'    {{"{name}", npy_file_{n}, {len(data)}, npy_values_{n}, {values.size},'
              f"\n     {values.ndim}, {{{shape}}}}},")
    print("};")


if __name__ == "__main__":
    main()
