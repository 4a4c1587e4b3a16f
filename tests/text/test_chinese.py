"""Chinese and mixed texts: names with numbers stay names, and our own readings go before the expander's."""

from __future__ import annotations

import pytest

from indextts2.text.chinese import takes_chinese
from indextts2.text.expander import plain_digits, wetext_expander
from indextts2.text.normalise import OfficialNormaliser


@pytest.fixture(scope="module")
def normalise():
    return OfficialNormaliser(plain_digits)


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("I took the A1 road to pier 39", False), ("Wan2.1", False), ("v2", False), ("Ben10", False), ("Win10", False),
        ("Use HTML5 and A4 paper", False), ("an1", True), ("me@example.com", False), ("see B2 and E5", False),
        ("ni3 hao3", True), ("NI3 HAO3", True), ("3", True), ("我用Wan2.1", True), ("", True), ("!?", True),
        ("Ben2 is here", False), ("MP3 player", False), ("xing2 zou3", True),
    ],
)  # fmt: skip
def test_a_name_with_a_digit_does_not_turn_an_english_text_chinese(text, chinese):
    assert takes_chinese(text) is chinese


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("I took the A1 road to pier 39", "I took the A one road to pier thirty nine"),
        ("Wan2.1", "Wan two point one"), ("Ben10", "Ben ten"), ("Win10", "Win ten"),
        ("我用Wan2.1和v2", "我用Wan二点一和v二"), ("v1、v2版", "v一,v二版"), ("在A1路", "在A一路"),
        ("看Ben10动画", "看Ben十动画"),
        ("用Win10系统", "用Win十系统"), ("iPhone 15好", "iPhone 十五好"), ("坐A380飞机", "坐A三八零飞机"),
        ("T恤XL2件", "T恤XL二件"),
    ],
)  # fmt: skip
def test_a_name_with_a_digit_keeps_it(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("打0373-8850893", "打零三七三八八五零八九三"), ("电话010-12345678", "电话零幺零幺二三四五六七八"),
        ("13912345678对吗", "幺三九幺二三四五六七八对吗"), ("请打139 1234 5678", "请打幺三九幺二三四五六七八"),
        ("拨400-800-1234", "拨四零零八零零幺二三四"), ("拨800-123-4567", "拨八零零幺二三四五六七"),
        ("+86 13912345678", "加八六幺三九幺二三四五六七八"), ("(021)12345678", "零二幺幺二三四五六七八"),
        ("我的手机是13800138000", "我的手机是幺三八零零幺三八零零零"),
        ("传真0755-26881234。", "传真零七五五二六八八幺二三四."),
    ],
)  # fmt: skip
def test_telephone_numbers_are_read_digit_by_digit(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("第2名", "第二名"), ("第10课", "第十课"), ("第22届", "第二十二届"), ("第2、第3", "第二,第三"),
        ("共$5,000.00元", "共五千美元"), ("$5", "五美元"), ("￥30", "三十元"),
        ("¥1,299", "一千二百九十九元"), ("5€", "五欧元"),
        ("US$3.5亿", "三点五亿美元"), ("£20", "二十英镑"), ("共HK$100", "共一百港元"),
        ("3-4级", "三到四级"), ("20-30岁", "二十到三十岁"), ("50%-60%", "百分之五十到百分之六十"),
        ("1-3月", "一到三月"),
        ("5~10个", "五到十个"), ("2—3天", "二到三天"), ("100–200元", "一百到二百元"), ("3-5公里", "三到五公里"),
        ("比分3-2", "比分三比二"), ("以2:1战胜", "以二比一战胜"),
        ("2½杯", "二又二分之一杯"), ("¾的人", "四分之三的人"), ("100㎡", "一百平方米"), ("共5 km²", "共五平方公里"),
        ("去café", "去cafe"), ("Zoë说", "Zoe说"), ("naïve的人", "naive的人"), ("lü4色", "lv4色"),
    ],
)  # fmt: skip
def test_what_the_expander_reads_wrongly_is_read_by_our_own_rules(normalise, written, spoken):
    assert normalise(written) == spoken


def test_ranges_of_times_are_joined_by_a_word_and_quotes_leave_no_backslash():
    pytest.importorskip("wetext", reason="the package wetext is not installed")
    normalise = OfficialNormaliser(wetext_expander())
    assert normalise("会议10:30–12:00") == "会议十点三十分到十二点"
    assert normalise('他说"5"个') == "他说'五'个"
    assert normalise("温度-5°C") == "温度负五摄氏度"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("票价￥128.50", "票价一百二十八点五元"), ("共¥30/kg", "共三十元每千克"), ("¥5/天", "五元每天"),
        ("下载v2.0.1版", "下载v二点零点一版"), ("用3.11.4版", "用三点十一点四版"), ("7-11便利店", "七十一便利店"),
        ("24/7营业", "二十四七营业"), ("3×4=12", "三乘四等于十二"),
    ],
)  # fmt: skip
def test_prices_per_unit_versions_and_shops(normalise, written, spoken):
    assert normalise(written) == spoken


def test_pinyin_is_still_pinyin(normalise):
    assert normalise("他XING2走, 银hang2") == "他XING2走, 银hang2"
    assert normalise("ju4院和an1") == "JV4院和an1"


def test_compatible_mode_reads_as_the_reference_does():
    reference = OfficialNormaliser(plain_digits, compatible=True)
    assert reference("第2名") == "第二名" and reference("3-4级") == "三-四级"
    assert reference("我用Wan2.1和v2") == "我用Wan2.一和v2"


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("打021-6543 2100", "打零二幺六五四三二幺零零"), ("+86-10-12345678", "加八六幺零幺二三四五六七八"),
        ("电话：(010)6552-9988", "电话,零幺零六五五二九九八八"), ("拨打12306", "拨打幺二三零六"),
        ("请拨110", "请拨幺幺零"), ("打120急救", "打幺二零急救"), ("打100个电话", "打一百个电话"),
        ("尾号1234", "尾号幺二三四"), ("验证码123456", "验证码幺二三四五六"), ("QQ号12345678", "QQ号幺二三四五六七八"),
        ("身份证11010519491231002X", "身份证幺幺零幺零五幺九四九幺二三幺零零二X"), ("编号007", "编号零零七"),
        ("密码是8888", "密码是八八八八"), ("代码2000行", "代码二千行"), ("A座1203室", "A座幺二零三室"),
        ("沪B·88888", "沪B八八八八八"), ("京A12345", "京A一二三四五"), ("318国道", "三幺八国道"),
        ("404错误", "四零四错误"), ("1080P高清", "幺零八零P高清"),
    ],
)  # fmt: skip
def test_numbers_that_name_something_are_read_digit_by_digit(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("第3-5页", "第三到五页"), ("第1至3章", "第一到三章"), ("5.1假期", "五一假期"), ("10.1黄金周", "十一黄金周"),
        ("3-2获胜", "三比二获胜"), ("2:1领先", "二比一领先"), ("2024-2025学年", "二零二四到二零二五学年"),
        ("1998—2003年", "一九九八到二零零三年"), ("约1/3的人", "约三分之一的人"), ("1/4决赛", "四分之一决赛"),
        ("3号楼2单元", "三号楼二单元"), ("第Ⅳ章", "第四章"), ("①买菜②做饭", "一,买菜二,做饭"),
        ("歼-20战机", "歼二十战机"), ("东风-41导弹", "东风四十一导弹"), ("安装Python3.11", "安装Python三点十一"),
    ],
)  # fmt: skip
def test_rows_scores_shares_and_names_are_read_as_they_are_meant(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("8÷2=4", "八除以二等于四"), ("5×3=15", "五乘三等于十五"), ("√2约1.4", "根号二约一点四"),
        ("x²的导数", "x的平方的导数"), ("<5岁免票", "小于五岁免票"), ("温度>100度", "温度大于一百度"),
        ("1美元=7.2元", "一美元等于七点二元"), ("小明&小红", "小明和小红"), ("R&D部门", "R and D部门"),
        ("100元/人/天", "一百元每人每天"), ("功率1500W", "功率一千五百瓦"), ("电压220V", "电压二百二十伏"),
        ("分辨率1920x1080", "分辨率一九二零乘一零八零"), ("跑了1'30\"", "跑了一分三十秒"),
        ("3.5GHz的主频", "三点五吉赫的主频"),
    ],
)  # fmt: skip
def test_signs_of_calculation_and_units_are_said_in_chinese(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("520那天他送了玫瑰", "五二零那天他送了玫瑰"),
        ("老铁666", "老铁六六六"),
        ("233笑死我了", "二三三笑死我了"),
        ("886,明天见", "八八六,明天见"),
        ("我爱你1314", "我爱你一三一四"),
        ("5201314", "五二零一三一四"),
        ("公司实行996工作制", "公司实行九九六工作制"),
        ("拒绝996", "拒绝九九六"),
        ("007加班", "零零七加班"),
        ("他考上了985高校", "他考上了九八五高校"),
        ("毕业于211大学", "毕业于二幺幺大学"),
        ("985毕业", "九八五毕业"),
        ("520元", "五百二十元"),
        ("666个", "六百六十六个"),
        ("233人", "二百三十三人"),
        ("996块", "九百九十六块"),
        ("985米", "九百八十五米"),
        ("211页", "二百一十一页"),
    ],
)
def test_net_words_are_read_digit_by_digit_and_amounts_are_not(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3.8节快乐", "三八节快乐"),
        ("3.8妇女节", "三八妇女节"),
        ("6.1儿童节", "六一儿童节"),
        ("5.1劳动节", "五一劳动节"),
        ("11.11购物节", "双十一购物节"),
        ("3.15晚会", "三幺五晚会"),
        ("618大促开始了", "六幺八大促开始了"),
        ("10.1国庆", "十一国庆"),
        ("8.1建军节", "八一建军节"),
        ("长3.8米", "长三点八米"),
        ("6.1分", "六点一分"),
        ("截止到12/31", "截止到十二月三十一日"),
        ("12/3/9到期", "二零一二年三月九日到期"),
        ("5月1/2号", "五月一或二号"),
        ("6/18开始", "六月十八日开始"),
        ("1998-2003年", "一九九八到二零零三年"),
        ("2024年", "二零二四年"),
        ("2023-12-31截止", "二零二三年十二月三十一日截止"),
        ("95后和00后", "九五后和零零后"),
        ("14:30开会", "十四点三十分开会"),
        ("8:05发车", "八点零五分发车"),
        ("23:00前", "二十三点前"),
        ("10:30-11:45开会", "十点三十分到十一点四十五分开会"),
        ("23:59:59截止", "二十三点五十九分五十九秒截止"),
    ],
)
def test_holidays_dates_and_times_are_said_as_such(normalise, written, spoken):
    assert normalise(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("湖人115-108战胜勇士", "湖人一百一十五比一百零八战胜勇士"),
        ("主队3-0取胜", "主队三比零取胜"),
        ("T1队3:0横扫", "T一队三比零横扫"),
        ("2:2战平", "二比二战平"),
        ("1:0绝杀", "一比零绝杀"),
        ("比例2:1", "比例二比一"),
        ("按3:7分成", "按三比七分成"),
        ("评分9/10", "评分九分,满分十分"),
        ("打分8.5/10", "打分八点五分,满分十分"),
        ("完成了1/3", "完成了三分之一"),
        ("35%vs65%的人", "百分之三十五对百分之六十五的人"),
        ("第3、4名", "第三,四名"),
        ("报警110", "报警幺幺零"),
        ("120急救", "幺二零急救"),
        ("12315投诉", "幺二三幺五投诉"),
        ("12306官网", "幺二三零六官网"),
        ("110米栏", "一百一十米栏"),
        ("邮编100022", "邮编幺零零零二二"),
        ("气温-5℃", "气温零下五摄氏度"),
        ("-10~5℃", "零下十到五摄氏度"),
        ("200℃烤15分钟", "二百摄氏度烤十五分钟"),
        ("浓度0.5‰", "浓度千分之零点五"),
        ("身高1.78m", "身高一点七八米"),
        ("面粉500g", "面粉五百克"),
        ("水300ml", "水三百毫升"),
        ("煮5~8min", "煮五到八分钟"),
        ("浓度75μg/m³", "浓度七十五微克每立方米"),
        ("10w+播放", "十万多播放"),
        ("100+款", "一百多款"),
        ("暴击率+15%", "暴击率加百分之十五"),
        ("7×24小时", "七乘二十四小时"),
        ("1,234.56元", "一千二百三十四点五六元"),
        ("A股大涨", "A股大涨"),
        ("5G网络", "五G网络"),
        ("3D电影", "三D电影"),
        ("T恤和K歌", "T恤和K歌"),
    ],
)
def test_scores_calls_and_measures_are_said_in_chinese(normalise, written, spoken):
    assert normalise(written) == spoken
