"""What the values of lists mean in Chinese, for the help pages: no browser has a place for translations of values."""

from __future__ import annotations

MEANINGS = {
    "auto": ("自动", "自動"),
    "plain": ("普通", "普通"),
    "none": ("无", "無"),
    "nearest": ("最相近", "最相近"),
    "random": ("随机", "隨機"),
    "mean": ("平均", "平均"),
    "generate": ("生成", "生成"),
    "likelihood": ("似然", "似然"),
    "free": ("自由", "自由"),
    "seconds": ("秒", "秒"),
    "tokens": ("语义 token", "語義 token"),
    "frames": ("梅尔帧", "梅爾幀"),
    "factor": ("倍数", "倍數"),
    "natural": ("自然时长", "自然時長"),
    "model": ("由模型控制", "由模型控制"),
    "model_b": ("由模型控制，另一种方式", "由模型控制，另一種方式"),
    "guided": ("引导", "引導"),
    "forced": ("强制", "強制"),
    "beam": ("集束采样", "集束取樣"),
    "sample": ("采样", "取樣"),
    "greedy": ("贪心", "貪婪"),
    "beam_search": ("集束搜索", "集束搜尋"),
    "uniform": ("均匀", "均勻"),
    "sway": ("前密后疏", "前密後疏"),
    "lerp": ("线性", "線性"),
    "keep": ("线性并保持强度", "線性並保持強度"),
    "slerp": ("球面", "球面"),
    "step": ("跳变", "跳變"),
    "linear": ("渐变", "漸變"),
    "add": ("相加", "相加"),
    "average": ("平均", "平均"),
    "larger": ("取较大", "取較大"),
    "multiply": ("相乘", "相乘"),
    "share": ("按份额", "按份額"),
    "sum": ("求和", "求和"),
    "dialogue": ("对话", "對話"),
    "fill": ("填满", "填滿"),
    "within": ("不超出", "不超出"),
    "start": ("只定起点", "只定起點"),
    "list": ("列出", "列出"),
    "overlap": ("重叠", "重疊"),
    "shift": ("顺延", "順延"),
    "off": ("关闭", "關閉"),
    "phrases": ("短语", "片語"),
    "words": ("词语", "詞語"),
    "any": ("任意", "任意"),
}
"""Value -> its meaning in simplified and in traditional characters. Names of formats stand for themselves."""

PLACES = {"zh": 0, "zh-TW": 1}


def shown_value(value: str, language: str) -> str:
    """A value in the form of a help page, with its meaning behind it where the language needs one."""
    if language not in PLACES or value not in MEANINGS:
        return f"`{value}`"
    return f"`{value}`（{MEANINGS[value][PLACES[language]]}）"
