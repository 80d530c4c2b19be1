"""Small real files for the demonstration's evidence: a page of PDF, a picture, a text."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from random import Random
from struct import pack


def pdf(lines: Sequence[str]) -> bytes:
    """One A4 page with these lines in the reader's own song typeface; the first is the heading."""
    shown = "\n".join(
        f"/F1 {18 if n == 0 else 12} Tf <{line.encode('utf-16-be').hex()}> Tj 0 -28 Td"
        for n, line in enumerate(lines)
    )
    content = f"BT 60 770 Td\n{shown}\nET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 7 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H /DescendantFonts [5 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 6 0 R /DW 1000"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880"
        b" /Descent -120 /CapHeight 880 /StemV 93 >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    )
    file, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(file)
    )  # fmt: skip


def picture(seed: str, width: int = 240, height: int = 160) -> bytes:
    """A PNG of hills under a sky, other hills for another seed."""
    random = Random(seed)
    ridge, hills = height * 0.55, []
    for _ in range(width):
        ridge = min(max(ridge + random.uniform(-3, 3), height * 0.35), height * 0.75)
        hills.append(int(ridge))
    ground = (90 + random.randrange(60), 110 + random.randrange(60), 60 + random.randrange(40))
    rows = b"".join(
        b"\x00"
        + b"".join(bytes(ground if y > hills[x] else (130 + y // 2, 170 + y // 3, 220)) for x in range(width))
        for y in range(height)
    )
    chunks = (
        (b"IHDR", pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )  # fmt: skip


def text(lines: Sequence[str]) -> bytes:
    """A text file in UTF-8."""
    return ("\n".join(lines) + "\n").encode()
