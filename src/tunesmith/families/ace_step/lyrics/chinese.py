"""Chinese text to tokens' spelling: numbers in characters, punctuation to commas, then pinyin with tone digits."""

from __future__ import annotations

import re
import string

from tunesmith.families.extras import require
from tunesmith.texts import msg

_DIGITS = "零一二三四五六七八九"
_UNITS = ((12, "兆"), (8, "亿"), (4, "万"), (3, "千"), (2, "百"), (1, "十"))
_LONGEST = 16
"""Digits that can be read as a quantity; longer numbers are read digit by digit."""

_NUMBER = r"(?<!\d)\d++(?:\.\d++)?"
_YEAR = re.compile(r"(?<!\d)([089]\d|(?:19|20)\d\d)(?=年)")
_MONTH = re.compile(r"(?<!\d)(\d{1,2})月(?:(\d{1,2})(?=[日号]))?")
_MONEY_UNIT = "(?:(?:亿|千万|百万|万|千|百)[元块]?|[元块角毛分])"
_MONEY = re.compile(rf"{_NUMBER}[多余几]?{_MONEY_UNIT}(?:\d{_MONEY_UNIT}?)?")
_MOBILE = re.compile(r"(?<![\d+])\+?(?:86 ?)?1(?:[38]\d|5[0-35-9]|7[678]|9[89])\d{8}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(?:0(?:10|2[1-3]|[3-9]\d\d)-?)?[1-9]\d{6,7}(?!\d)")
_FRACTION = re.compile(r"(?<!\d)(\d++)/(\d+)")
_PERCENT = re.compile(rf"({_NUMBER})[%％]")
# Measure words matter for numbers of four digits and more, which are read one by one where none follows.
_MEASURES = (
    "个只条张件位名家户口头匹尾棵支枝根颗粒块片面座间层栋幢辆架艘台部本页册封首曲篇段句字遍次回场趟届双对副"
    "群队组套串排堆把杯瓶碗盘盒箱袋包桶罐盆壶锅篮捆担斤两钱石斗升合寸尺丈里厘毫分米克吨"
    "年月日季天周时刻秒岁代世纪夜春夏秋冬客针线管身堂课丝顶门道扇滴声步手脚刀江山岭溪"
)
_COUNTED = re.compile(rf"{_NUMBER}(?=[多余几]?(?:[千毫微]克|[千分厘毫微]米|[{_MEASURES}]))")
_LONG = re.compile(r"(?<!\d)\d{4,}+")
_ANY = re.compile(_NUMBER)
_TWO_IN_A_NAME = re.compile("(?<=[a-zA-Z])二(?=[a-zA-Z])")  # b2b, h2o

_PUNCTUATION = {
    *string.punctuation,
    *(chr(ord(mark) + 0xFEE0) for mark in string.punctuation),  # full width
    *(chr(code) for code in (*range(0x3001, 0x3004), *range(0x3008, 0x3012), *range(0x3014, 0x3020), 0x3030)),
    *(chr(code) for code in (0x303E, 0x303F, *range(0xFF5F, 0xFF65))),
    *"–—‘’‛“”„‟…‧﹏·",
}
_TO_COMMA = str.maketrans(dict.fromkeys(_PUNCTUATION, ","))


def normalise(text: str) -> str:
    """Numbers to characters by what they are (date, money, telephone, fraction, share, count), marks to commas."""
    if re.search(r"\d", text):
        text = _YEAR.sub(lambda match: one_by_one(match[1]), text)
        text = _MONTH.sub(_month, text)
        text = _MONEY.sub(lambda match: re.sub(r"\d+(?:\.\d+)?", lambda part: quantity(part[0]), match[0]), text)
        text = _MOBILE.sub(lambda match: one_by_one(match[0]), text)
        text = _LANDLINE.sub(lambda match: one_by_one(match[0]), text)
        text = _FRACTION.sub(lambda match: f"{quantity(match[2])}分之{quantity(match[1])}", text)
        text = _PERCENT.sub(lambda match: f"百分之{quantity(match[1])}", text)
        text = _COUNTED.sub(lambda match: quantity(match[0]), text)
        text = _LONG.sub(lambda match: one_by_one(match[0]), text)
        text = _ANY.sub(lambda match: quantity(match[0]), text)
    return _TWO_IN_A_NAME.sub("2", text).translate(_TO_COMMA)


def pinyin(text: str) -> str:
    """Every character's pinyin with its tone as a digit (5 for the neutral one), not separated; other text as it is.

    Raises:
        TunesmithError: when pypinyin is not installed.
    """
    library = require("pypinyin", "lyrics", msg("Chinese lyrics"))
    spelt = library.pinyin(text, style=library.Style.TONE3, heteronym=False, neutral_tone_with_five=True)
    return "".join(readings[0] for readings in spelt)


def one_by_one(number: str) -> str:
    """Each digit's character; what is no digit (``+``, ``-``, a space) is left out."""
    return "".join(_DIGITS[int(digit)] for digit in number if digit.isdecimal())


def quantity(number: str) -> str:
    """A number as it is spoken: ``1010.5`` is 一千零一十点五."""
    whole, _, decimals = number.partition(".")
    if len(whole) > _LONGEST:
        spoken = one_by_one(whole)
    else:
        spoken = _grouped(whole) or _DIGITS[0] * len(whole)
        spoken = re.sub("(?<![零一二三四五六七八九十])二(?=[百千万亿兆])", "两", spoken)
        spoken = spoken.removeprefix("一") if spoken.startswith("一十") else spoken
    return f"{spoken}点{one_by_one(decimals)}" if decimals else spoken


def _grouped(digits: str) -> str:
    """Digits split at the largest unit they reach, leading zeros spoken once."""
    significant = "".join(_DIGITS[int(digit)] for digit in digits).lstrip(_DIGITS[0])
    if len(significant) <= 1:
        return (_DIGITS[0] if significant and len(digits) > 1 else "") + significant
    power, unit = next((power, unit) for power, unit in _UNITS if power < len(significant))
    return _grouped(digits[:-power]) + unit + _grouped(digits[-power:])


def _month(match: re.Match[str]) -> str:
    return f"{quantity(match[1])}月{quantity(match[2]) if match[2] else ''}"
