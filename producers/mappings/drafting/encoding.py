"""Which encoding a file is in, told from its lines that are not plain ASCII."""

from collections.abc import Sequence

from producers.mappings.drafting.finding import Finding, percent

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENOUGH = 0.99


def encoding_of(beginning: bytes, lines: Sequence[bytes]) -> Finding[str]:
    """Decide between UTF-8, Korean (cp949, which includes EUC-KR) and Western European; `lines` are those with other bytes than ASCII."""
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            return Finding(encoding, "sure", "a byte order mark at the beginning")
    if not lines:
        return Finding("utf-8", "sure", "only ASCII in the file")
    share = _share(lines, "utf-8")
    if share >= _ENOUGH:
        return Finding("utf-8", "sure", f"{percent(share)} of the lines with other letters than ASCII are valid UTF-8")
    korean, hangul = _share(lines, "cp949"), _hangul(lines)
    if korean >= _ENOUGH and hangul > 0.5:
        return Finding("cp949", "sure" if hangul > 0.9 else "likely", f"no UTF-8; {percent(hangul)} of the letters read as Hangul")
    if _share(lines, "cp1252") >= _ENOUGH:
        return Finding("cp1252", "likely", "neither UTF-8 nor Korean; Western European: look at a name with accents")
    return Finding("latin-1", "unsure", "no encoding fits every line: look at names with accents")


def _share(lines: Sequence[bytes], encoding: str) -> float:
    return sum(_decoded(line, encoding) is not None for line in lines) / len(lines)


def _decoded(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _hangul(lines: Sequence[bytes]) -> float:
    letters = [letter for line in lines for letter in line.decode("cp949", "ignore") if not letter.isascii()]
    return sum("가" <= letter <= "힣" for letter in letters) / len(letters) if letters else 0.0
