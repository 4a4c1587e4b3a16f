"""Chinese numbers that mean something else than an amount: net words, holidays, dates, times, scores, short calls.

Rows of `chinese.py`'s table, in files of their own: what is read before its rows, and what is read after them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .expander import chinese_integer, chinese_number, digit_by_digit

Rule = tuple[re.Pattern[str], "str | Callable[[re.Match[str]], str]"]

_FREE = r"(?<![A-Za-z\d.:/-])"  # nothing of a number in front
_END = r"(?![\d.:/%％‰℃°-]*\d)"  # or behind
_MOST_MONTHS, _MOST_DAYS, _MOST_HOURS, _MOST_MINUTES = 12, 31, 24, 59
_COUNTED = (
    "[个次人天元块钱分秒年月日岁米克斤吨升度层页集回届期条种倍步辆台部只万亿千百多余名位美欧港张本件间瓶套箱户家集章节"
    "kKmM%％‰℃°]"
)
_NET = "520|521|666|6666|233|2333|886|996|007|1314|5201314|9527|555|748|3q|985|211|789|1818|177"
_SCHOOLS = "高校|大学|院校|名校|工程|毕业|学校|学历|本科|硕士|双一流|废|的"
_WORK_MODES = "工作制|加班|福报|制度|模式|作息|上班|的?生活|的?公司"
_CALLS = (
    "110|119|120|122|999|911|114|12306|12315|12345|12348|12320|12333|12355|12358|12366|12369|12377|12388|"
    "95588|10086|10010|10000"
)
_CALLING = (
    "报警|急救|火警|电话|热线|投诉|订票|购票|官网|平台|举报|咨询|客服|指挥|接线|出警|救护|中心|抢票|网站|"
    "App|APP|小程序|候补"
)
_HOLIDAYS = {
    "3.8": "三八", "3.12": "三一二", "3.15": "三幺五", "5.1": "五一", "5.4": "五四", "6.1": "六一", "6.18": "六一八",
    "7.1": "七一", "8.1": "八一", "9.18": "九一八", "10.1": "十一", "11.11": "双十一", "12.12": "双十二",
    "12.9": "一二九",
    "4.1": "四一",
}  # fmt: skip
_BIG_SALES = "大促|购物|狂欢|促销|活动|晚会|期间|当天|预售|来了|来临|年中|事变|打假|开门红|$"
_FESTIVE = (
    "节|妇女|女神|女王|儿童|劳动|青年|建党|建军|国庆|植树|晚会|打假|消费者|大促|购物|狂欢|促销|活动|假期|长假|小长假|黄金周|"
    "放假|事变|运动|当天|预售|开抢|钜惠|特惠|快乐"
)
_TIME_UNITS = {"min": "分钟", "mins": "分钟", "h": "小时", "s": "秒"}
_MEASURES = {
    "kg": "千克", "g": "克", "mg": "毫克", "t": "吨", "ml": "毫升", "mL": "毫升", "L": "升", "l": "升", "km": "公里",
    "cm": "厘米", "mm": "毫米", "m": "米", "nm": "纳米", "μg/m³": "微克每立方米", "µg/m³": "微克每立方米",
    **_TIME_UNITS,
    "km/h": "公里每小时", "m/s": "米每秒", "kcal": "千卡", "cal": "卡", "kJ": "千焦", "rpm": "转每分钟", "ppm": "P P M",
    "Mbps": "兆比特每秒", "MB/s": "兆每秒", "μm": "微米", "μg": "微克", "hPa": "百帕", "MPa": "兆帕", "km²": "平方公里",
    "m²": "平方米", "㎡": "平方米",
}  # fmt: skip
_MEASURE = "|".join(re.escape(sign) for sign in sorted(_MEASURES, key=len, reverse=True))
_DECIMAL = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_DATED = "截止|截至|截止到|截止至|日期|时间|有效期|有效期至|定于|生日|日期:|日期：|时间:|时间："
_DAY_BEHIND = (
    "到期|截止|前|之前|开始|上映|发售|更新|发布|起|晚|早|凌晨|上午|下午|中午|当天|当日|止|生效|见|开学|交|结束"
)
_SCORED = "评分|打分|得分|满分|给分|分数|体验|口感|味道|颜值|剧情|画质|难度|推荐指数|推荐度|综合"
_WON = (
    "战胜|击败|胜|负|平|赢|输|完胜|险胜|领先|落后|横扫|逆转|淘汰|取胜|获胜|不敌|力克|大胜|惜败|告负|绝杀|晋级|扳平|"
    "完败|轻取|送走"
)


def _digits(match: re.Match[str]) -> str:
    """996 -> 九九六."""
    return digit_by_digit(match.group())


def _called(match: re.Match[str]) -> str:
    """110 -> 幺幺零."""
    return digit_by_digit(match.group()).replace("一", "幺")


def _day(month: str, day: str, otherwise: str) -> str:
    if 1 <= int(month) <= _MOST_MONTHS and 1 <= int(day) <= _MOST_DAYS:
        return f"{chinese_integer(str(int(month)))}月{chinese_integer(str(int(day)))}日"
    return otherwise


def _month_day(match: re.Match[str]) -> str:
    """12/31 -> 十二月三十一日."""
    return _day(match["month"], match["day"], match.group())


def _full_date(match: re.Match[str]) -> str:
    """2023-12-31, 2023/12/31, 2023.12.31."""
    day = _day(match["month"], match["day"], "")
    return f"{digit_by_digit(match['year'])}年{day}" if day else match.group()


def _short_date(match: re.Match[str]) -> str:
    """12/3/9 -> 二零一二年三月九日."""
    day = _day(match["month"], match["day"], "")
    return f"二零{digit_by_digit(match['year'])}年{day}" if day else match.group()


def _clock(match: re.Match[str]) -> str:
    """14:30 -> 十四点三十分, 8:05 -> 八点零五分, 23:00 -> 二十三点, 23:59:59."""
    hour, minute, second = match["hour"], match["minute"], match["second"]
    if int(hour) > _MOST_HOURS or int(minute) > _MOST_MINUTES or int(second or 0) > _MOST_MINUTES:
        return match.group()
    said = chinese_integer(str(int(hour))) + "点"
    if int(minute) or second:
        said += _sixtieths(minute) + "分"
    return said + (_sixtieths(second) + "秒" if second else "") + ("到" if match["to"] else "")


def _sixtieths(digits: str) -> str:
    own = chinese_integer(str(int(digits)))
    return ("零" if digits.startswith("0") and int(digits) else "") + own


def _score(match: re.Match[str]) -> str:
    """3-0 -> 三比零."""
    return "比".join(chinese_integer(str(int(side))) for side in match.groups() if side is not None)


def _of(match: re.Match[str]) -> str:
    """评分8.5/10 -> 评分八点五分,满分十分."""
    above, below = match["above"], match["below"]
    head = match.group()[: match.start("above") - match.start()]
    return f"{head}{chinese_number(above)}分,满分{chinese_integer(below)}分"


def _temperature(match: re.Match[str]) -> str:
    low = "零下" if match["minus"] else ""
    number = match["number"].replace(",", "")
    return f"{low}{chinese_number(number)}" + ("摄氏度" if match["unit"] in ("℃", "°C", "° C") else "华氏度")


def _measure(match: re.Match[str]) -> str:
    """65kg -> 六十五千克."""
    number = match["number"].replace(",", "")
    return chinese_number(number) + _MEASURES[match["unit"]]


def _and(match: re.Match[str]) -> str:
    """第3、4名 -> 第三、四名."""
    numbers = re.findall(r"\d+", match.group())
    return "第" + "、".join(chinese_integer(number) for number in numbers)


def _plain(match: re.Match[str]) -> str:
    """1,234.56 -> 1234.56."""
    return match.group().replace(",", "")


def _behind(words: str) -> str:
    """Pattern: directly behind one of the words."""
    return "(?:" + "|".join(f"(?<={word})" for word in words.split("|")) + ")"


READ_FIRST: tuple[Rule, ...] = (
    (re.compile(r"\d{1,3}(?:,\d{3})+(?![\d,])(?=\.?\d*\s?[\u4e00-\u9fff])"), _plain),
    # dates and times
    (re.compile(rf"{_FREE}(?P<year>(?:19|20)\d\d)(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)"
                r"(?![\d/.]*\d)"), _full_date),
    (re.compile(rf"{_FREE}(?P<year>\d\d)/(?P<month>\d\d?)/(?P<day>\d\d?)(?![\d/])"), _short_date),
    (re.compile(rf"(?<![\d:.])(?P<hour>\d\d?)[:：](?P<minute>\d\d)(?:[:：](?P<second>\d\d))?"
                rf"(?:\s?(?P<to>[-–—~～])\s?(?=\d\d?[:：]\d\d))?(?![\d:：]*[\d:：]\s?(?:{_WON})|\s?(?:{_WON}))"
                r"(?!(?<!-)[\d:：])"), _clock),
    (re.compile(rf"{_behind(_DATED)}(?P<month>\d\d?)[/.](?P<day>\d\d?)(?![\d/.%％])"), _month_day),
    (re.compile(rf"{_FREE}(?P<month>\d\d?)/(?P<day>\d\d?)"
                rf"(?=日?(?:{_DAY_BEHIND})|[（(]?(?:周|星期)[一二三四五六日天])"), _month_day),
    (re.compile(r"(?<=月)(\d\d?)/(\d\d?)(?=[号日])"),
     lambda match: "或".join(chinese_integer(day) for day in match.groups())),
    (re.compile(r"(?<!\d)((?:1[5-9]|20)\d\d)\s?[-–—~～至到]\s?((?:1[5-9]|20)\d\d)(?=年)"),
     lambda match: "到".join(map(digit_by_digit, match.groups()))),
    (re.compile(r"(?<![\d.])(?:1[5-9]|20)\d\d(?=年(?!级|代表|以?[上下内]))"), _digits),
    (re.compile(r"(?<![\d.])(?<!\d-)[6-9]\d(?=后(?![\d天年月]))"), _digits),
    (re.compile(rf"{_FREE}(?:{'|'.join(map(re.escape, _HOLIDAYS))})(?=(?:{_FESTIVE}))"),
     lambda match: _HOLIDAYS[match.group()]),
    (re.compile(r"(?<![\d.])11\.11(?![\d.])"), "双十一"),
    (re.compile(r"(?<![\d.])12\.12(?![\d.月])"), "双十二"),
    (re.compile(rf"(?<![\d.])(?:618|818|919|315|918|1212|1111)(?=(?:{_BIG_SALES}))"), _called),
    # calls, net words, names of schools and of ways to work
    (re.compile(rf"(?<![\d.-])(?:{_CALLS})(?=(?:{_CALLING}))"), _called),
    (re.compile(rf"{_behind('报警|急救|火警|拨|呼叫|投诉|致电')}(?:{_CALLS})(?!\d|\.\d|{_COUNTED})"), _called),
    (re.compile(rf"(?<![\d.-])(?:985|211)(?=(?:[和、/与或及]?(?:211|985))?(?:{_SCHOOLS}))"), _called),
    (re.compile(rf"(?<=[考上进是双和、/与或])(?:985|211)(?![\d.]|{_COUNTED})"), _called),
    (re.compile(rf"(?<![\d.-])(?:996|007|965|955|715)(?=(?:{_WORK_MODES})|[，。,、！!？?和]|$)"), _digits),
    (re.compile(rf"(?<![A-Za-z\d.,$€£¥￥第共约-])(?:{_NET})(?!\s?{_COUNTED}|[\d,.:/-]\d|[\d号路室A-Za-z])"), _digits),
    # scores and parts
    (re.compile(rf"(?:{_SCORED})[:：为是约]?\s?(?P<above>\d{{1,3}}(?:\.\d)?)/(?P<below>5|10|100)(?![\d/.])"), _of),
    (re.compile(rf"(?<![\d.:-])(\d{{1,3}})\s?[-–—:：]\s?(\d{{1,3}})(?=[^\d。！？!?，,；;]{{0,6}}(?:{_WON}))"), _score),
    (re.compile(rf"{_behind('比例|比例为|比例是|按|按照|兑|票数|比|为')}"
                r"(\d{1,3})[:：](\d{1,3})(?![\d:：.])"), _score),
    (re.compile(r"(?<![\d.:-])(\d{1,3})[:：](\d{1,3})(?=(?:的)?(?:比例|比分|大胜|画幅|兑|的画面|屏))"), _score),
    (re.compile(r"第\d+(?:、\d+)+(?=[名位章节页集条届期次个回课题组排号周])"), _and),
    # measures
    (re.compile(r"(?<![A-Za-z\d.])7\s?[×xX*]\s?24(?=小时|h)"), "七乘二十四"),
    (re.compile(rf"(?<![A-Za-z\d])-(?P<low>{_DECIMAL})\s?[-~～到至]\s?(?=-?(?:{_DECIMAL})\s?(?:℃|°C|度))"),
     lambda match: "零下" + chinese_number(match["low"]) + "到"),
    (re.compile(rf"(?P<minus>(?<![A-Za-z\d%％.)）])-)?(?<![\d.,])(?P<number>{_DECIMAL})\s?(?P<unit>℃|°\s?C|℉|°\s?F)"),
     _temperature),
    (re.compile(rf"(?<![\d.,])({_DECIMAL})\s?‰"),
     lambda match: "千分之" + chinese_number(match.group(1).replace(",", ""))),
    (re.compile(rf"(?<![A-Za-z\d.])(?P<number>{_DECIMAL})\s?(?P<unit>[μµ]g/m³)"), _measure),
)  # fmt: skip

READ_LAST: tuple[Rule, ...] = (
    (re.compile(r"(?<=\d)\s?[~～]\s?(?=\d)"), "到"),
    (re.compile(rf"(?<![A-Za-z\d.])(?P<number>{_DECIMAL})\s?(?P<unit>{_MEASURE})(?![A-Za-z²³/])"), _measure),
    (re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)[wW](?=\+|[\u4e00-\u9fff]|[，。,！!？?]|$)"),
     lambda match: chinese_number(match.group(1)) + "万"),
    (re.compile(r"(?<=\d)\+(?=(?!岁)[\u4e00-\u9fff])|(?<=万)\+(?=[\u4e00-\u9fff]|$)"), "多"),
    (re.compile(r"(?<=[\u4e00-\u9fff])\+(?=\d)|^\+(?=\d)"), "加"),
    (re.compile(r"(?<=\d|[%％])\s?vs\.?\s?(?=\d)", re.IGNORECASE), "对"),
)  # fmt: skip
"""Measures whose signs are letters stand after ranges of them."""
