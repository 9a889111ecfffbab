"""The encoding of text files and of names: Unicode with and without a mark, and the older encodings of Asia and Europe.

Strict UTF-8 always wins. Otherwise the text is read in each older encoding that can hold it, and the most probable
reading counts: each character has a cost, about the negative logarithm of its frequency in the language. Common
characters are known from where they lie in their character set, the most common ones from the lists below.
Labels are short: charset-normalizer, a library for pages of text, finds the encoding of one label out of three.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

_Cost: TypeAlias = Callable[[str, bytes, str], float]
"""The cost of a character that is not ASCII, from the character before it and itself, its bytes, and its word."""

SAMPLE = 4000  # characters beyond ASCII that are looked at
SAMPLE_BYTES = 400_000  # in which they are looked for
_NO_ASCII = re.compile(rb"[\x80-\xff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before that of UTF-16, which is the beginning of it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_RARE = {"euc_jp": 4.0}  # the cost of an encoding that is hardly used any more
_WORD = 20  # letters around a character that are looked at
_LETTERS, _LETTERS_BEFORE = re.compile(r"[^\W\d_]+"), re.compile(r"[^\W\d_]+\Z")
_IMPROBABLE = 25.0  # private use, controls
_HANZI = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家"
    "种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机"
    "十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加"
    "西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更"
    "别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马"
    "科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确"
    "传师观清今切院让识候带导争运笔车路树草花鸟鱼猫狗牛羊猪鸡人脸头手脚眼鼻嘴耳汽自行摩托公共卡火飞机船艇灯红绿黄"
    "蓝黑白灰背景建筑物房屋桥道标志牌天空地面墙窗门桌椅床杯瓶盘刀叉碗苹果香蕉橙子缺陷划痕裂纹污点正常异常良品细胞肿"
    "瘤器官肺肝肾脑骨血管前后左右图片照像素类别名称未命其他文件夹新建训练测试验证数据集标注猫犬叶茎根病虫害钢铁零件"
    "螺丝焊缝孔洞气泡变形行骑者男女孩童老年安帽服装衣裤鞋包手机电脑键盘鼠屏幕副本截屏微信图像识别检测分割目录日期号"
    "周低整复严防亚吸害句历青热阳角钟支易压转精团离约层呢吗吧哪谁怎够较爱站请坐跑吃喝买卖钱价居银医院课考词典英语写段"
    "章纸笔墨画唱歌舞球赛足泳池河湖江岸岛岩沙泥坑凹凸井盖桶锥漏裂疤斑皱泄渗锈蚀腐烂霉锡铜铝镍塑料胶布纤棉丝毛皮革玻璃"
    "陶瓷砖瓦竹藤籽豆米麦稻谷粮菜瓜茄番葱蒜姜椒薯菇莓桃梨杏李枣柿葡萄芒荔枝柚柑鸭鹅鸽雀鹰蛇龟蛙虾蟹贝蚁蜂蝶蚊蝇兔虎豹"
    "狮猴熊鹿驴骆驼狐狼挖掘起重吊塔货叉铲推搅拌消防栓护栏杆柱桩缆绳钩链轮胎轴承齿闸阀泵管针烟雾焰灾险救警察卫兵枪弹炮"
    "胆胃肠胰脾甲状腺结节囊钙积液炎癌垃圾箱袋纱口罩手套毛巾袜裙鲜活干湿冷热软硬粗细厚薄深浅甜苦香味音乐旅游店铺街巷村"
    # traditional
    "這個們來國說時會對過後學為還進現當沒動樣長機實軍與關點業將兩間問應戰頭體見產無開發經從種話與給門東聲員論處義氣"
    "題爾變總電數報結務場計資區隊決馬聽達難權書則設記類據邊張該規萬領確傳師觀讓識帶導爭運車樹鳥魚貓雞臉腳燈紅綠黃"
    "藍築橋標誌牆窗門蘋劃紋汙異細腫腦圖檔測試驗證訓練註葉莖鋼鐵焊縫騎機踏託腳單員號誌行人汽新增資料夾螢幕擷取影片"
    "許功番茄瑕疵垃圾鴨鵝蓋斷鏽鋁銅鎳綿絲薑麥穀稻龜蝦蟹貝蟻蠅獅驢駱駝護欄桿樁纜鉤鏈輪軸閥錶針煙霧災險槍彈砲膽腸鈣積計程救"
    "歡樂錢買賣貨廠漢語詞寫畫筆紙蘇陽陰雲雷風隻雙帳戶訊網絡線條點滿漏損壞潔淨髒亂離組織圍繞選擇視頻攝錄儲導覽設備"
    # Japanese
    "日本年大人中出会国一上自分行学生時事東京場合体力気間子手前後全部動物植車両電駅自転歩道路信号標識建空海山川木花"
    "草鳥犬猫馬牛魚顔目耳鼻口髪服靴帽男女子供検査欠陥傷汚良否画像写真背景新規名称未設定種類対象物体領域輪郭細胞腫瘍"
    "肺肝腎脳骨血管異常正常自動原付飛機船舶窓机椅子皿箱袋缶瓶白黒赤青緑黄色左右上下内外測定試験学習検証読込仮保存"
)
_SYLLABLES = frozenset(
    "이다는을가의에하고지은사도를로기그한어나서아인리시자있대일라으수만해정보게들과제상주장스전부거구면여니데원말적것모"
    "신생년야세성동오위화마경드요소조문안우공국치러없실내비관연선재무할산물개방당분유결간양식발람회미용남래진중같저심학"
    "영려교았었했였습된되될명단바차느또반운배트토크프터타파티카팀노머버벽별복본봉불빛뿐살색석설속손순술승싶쓰씨건계고"
    "골과광군권귀금급길김까꽃나날낮너네높누늘능님달담더덕독돌두등디따땅때떤레력록론료루류르른름림립막많망매먹먼멀메며"
    "몇목몸못밀밖밝밤변병북분붙블뿌새서센션소송쇠숙숨쉬쉽습십아악알암앞애약얼엄업없엇에역열염였예온완왕외욕월유육음응"
    "의입잎잘잠잡점접종좋좌죄죽준줄즉증직질집짓짜째쪽찾채책처천철첫청체초최추출충취층친칠코쿠키탁탄탑태택털통퇴투특판"
    "팔패편평폐포표품풍피필학함합항핵행향허험혀현혈협형호혼홍확환활황효흐흙희흰힘"
    "람동차버스트럭전거토바고양강아지새말소나무건물도로신호등표판행자얼굴손발결함균열크래치염상불량포배경없음"
    "폴더파일사진이미름복본라벨데터훈련검증테스휴폰컵병의책창문헬멧잎눈입귀코머리"
)
_WESTERN = frozenset("éèêëàâäáãåçíîïñóôöõøœúùûüßæÉÈÀÄÖÜÅØÇÑÓÁÍÚòìý")
_SIGNS = frozenset("°±²³µ·«»–—‘’“”„…€£©®™×½¼¾¿¡§№ºª´")
_CLOSING = frozenset("’”»")
_BEHIND_LETTERS = frozenset("²³’”»´…®™")
_CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюя")
_CYRILLIC_MORE = frozenset("ёіїєґў")
_PUNCTUATION = frozenset(
    "\u3000、。，．・：；？！（）〔〕［］｛｝〈〉《》「」『』【】“”‘’…—～／＿－＋０１２３４５６７８９"
)


@dataclass(frozen=True, slots=True)
class _Encoding:
    title: str
    cost: _Cost


def decode_text(data: bytes, encoding: str | None = None) -> str:
    """The text in this encoding, or in the one that `detect_encoding` finds; what cannot be read is replaced."""
    if encoding is None and b"\0" not in data:
        with suppress(UnicodeDecodeError):
            return data.decode("utf-8-sig")
    return data.decode(encoding or detect_encoding(data), "replace").removeprefix("\ufeff")


def detect_encoding(data: bytes) -> str:
    """The name of a text's encoding, for Python's codecs."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if b"\0" in data:
        return next((name for name in _WITHOUT_MARK if _fits_wide(data, name)), "utf-8")
    if _is_utf8(data):
        return "utf-8"
    first = _NO_ASCII.search(data)
    sample = data[max(0, first.start() - _WORD) :][:SAMPLE_BYTES] if first else b""
    return "utf-8" if _is_nearly_utf8(sample) else most_probable([sample], _GUESSED) or "cp1252"


def title_of(encoding: str) -> str:
    """What an encoding is called in a message; "" if it was not guessed."""
    return _ENCODINGS[encoding].title if encoding in _ENCODINGS else ""


def most_probable(texts: Sequence[bytes], encodings: Iterable[str]) -> str | None:
    """The encoding in which these texts together are the most probable; None if none of them can hold all."""
    costs = [(_cost_in(texts, name), place, name) for place, name in enumerate(encodings)]
    cost, _, best = min(costs)
    return None if cost == float("inf") else best


def _cost_in(texts: Sequence[bytes], encoding: str) -> float:
    total, left = 0.0, SAMPLE
    for data in texts:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(data, final=len(data) < SAMPLE_BYTES)
        except UnicodeDecodeError:
            return float("inf")
        for match in _BEYOND_ASCII.finditer(text):
            if not left:
                break
            left -= 1
            place = match.start()
            total += _char_cost(encoding, text[max(0, place - 1) : place + 1], _word_around(text, place))
    return total + _RARE.get(encoding, 0.0)


def _word_around(text: str, place: int) -> str:
    """The letters around a character, within some distance."""
    first = max(0, place - _WORD)
    before, behind = _LETTERS_BEFORE.search(text[first:place]), _LETTERS.match(text, place, place + _WORD)
    return (before[0] if before else "") + (behind[0] if behind else "")


@lru_cache(maxsize=20_000)
def _char_cost(encoding: str, pair: str, word: str) -> float:
    char = pair[-1]
    if not char.isprintable() and char != "\u3000":
        return _IMPROBABLE
    return _ENCODINGS[encoding].cost(pair, char.encode(encoding), word)


def _chinese(pair: str, code: bytes, word: str) -> float:
    """GB 2312 has the common characters first, by pronunciation, then the rare ones, by radical."""
    if len(code) != 2 or code[1] < 0xA1 or not 0xA1 <= code[0] <= 0xF7:
        return 17.0
    if code[0] >= 0xD8:
        return 12.8 + _behind_latin(pair)
    if code[0] >= 0xB0:
        return (6.5 if pair[-1] in _HANZI else 9.5) + _behind_latin(pair)
    return 7.5 if pair[-1] in _PUNCTUATION else 13.0


def _traditional(pair: str, code: bytes, word: str) -> float:
    """Big5 has the common characters first, by strokes, then the rare ones."""
    if len(code) != 2 or code >= b"\xf9\xd6":
        return 17.0
    if code >= b"\xc9\x40":
        return 14.2 + _behind_latin(pair)
    if code >= b"\xa4\x40":
        return (6.5 if pair[-1] in _HANZI else 9.9) + _behind_latin(pair)
    return 7.5 if pair[-1] in _PUNCTUATION else 13.0


def _japanese(pair: str, code: bytes, word: str) -> float:
    """JIS X 0208 has kana, then the common characters, by pronunciation, then the rare ones, by radical."""
    char = pair[-1]
    if "\u3041" <= char <= "\u3096":
        return 5.3
    if "\u30a1" <= char <= "\u30fc":
        return 5.8
    if len(code) != 2:
        return 6.6 if len(word) > 1 and all("\uff66" <= each <= "\uff9f" for each in word) else 9.4  # half-width
    row = _jis_row(code)
    if 16 <= row <= 47:
        return (7.2 if char in _HANZI else 9.3) + _behind_latin(pair)
    if 48 <= row <= 84:
        return 13.4 + _behind_latin(pair)
    return 7.5 if char in _PUNCTUATION else 14.0


def _jis_row(code: bytes) -> int:
    """The row of a character in JIS X 0208, from its bytes in Shift JIS."""
    return 2 * (code[0] - (0x81 if code[0] < 0xA0 else 0xC1)) + 1 + (code[1] >= 0x9F)


def _japanese_euc(pair: str, code: bytes, word: str) -> float:
    """The same character set as `_japanese`, at other places."""
    try:
        return _japanese(pair, pair[-1].encode("cp932"), word)
    except UnicodeEncodeError:
        return 17.0


def _korean(pair: str, code: bytes, word: str) -> float:
    """KS X 1001 has the common syllables, then Chinese characters; its extension has all other syllables."""
    if "\uac00" <= pair[-1] <= "\ud7a3":
        is_common = code[0] >= 0xB0 and code[1] >= 0xA1
        return (5.9 if pair[-1] in _SYLLABLES else 9.3) if is_common else 15.3
    return 7.5 if pair[-1] in _PUNCTUATION else 14.3


def _russian(pair: str, code: bytes, word: str) -> float:
    """Small letters, capitals at the beginning of words; no word has Latin letters, too."""
    char, before = pair[-1], pair[:-1]
    low = char.lower()
    if low not in _CYRILLIC and low not in _CYRILLIC_MORE:
        return _sign(pair)
    cost = 3.6 if low in _CYRILLIC else 6.3
    cost += 4.0 if char != low and before.islower() else 1.5 if char != low else 0.0
    return cost + (5.0 if any(letter.isascii() for letter in word) else 0.0)


def _western(pair: str, code: bytes, word: str) -> float:
    """Letters with accents stand between plain ones."""
    char, before = pair[-1], pair[:-1]
    if char not in _WESTERN:
        return _sign(pair)
    cost = 3.5 + ((4.0 if before.islower() else 1.0) if char != char.lower() else 0.0)
    return cost + (2.5 if any(not each.isascii() for each in word.replace(char, "", 1)) else 0.0)


def _sign(pair: str) -> float:
    """A sign is rare within a word, and quotation marks are not closed where a word begins."""
    char, before = pair[-1], pair[:-1]
    is_odd = before.isalpha() if char not in _BEHIND_LETTERS else not before.strip() and char in _CLOSING
    return (6.5 if char in _SIGNS else 11.0) + (3.5 if is_odd else 0.0)


def _behind_latin(pair: str) -> float:
    """What it costs that a Chinese character follows a small Latin letter."""
    return 3.0 if pair[0].isascii() and pair[0].islower() else 0.0


_ENCODINGS = {
    "gb18030": _Encoding("Chinese (GB 18030)", _chinese),
    "cp932": _Encoding("Japanese (Shift JIS)", _japanese),
    "cp949": _Encoding("Korean (CP949)", _korean),
    "cp950": _Encoding("Chinese (Big5)", _traditional),
    "euc_jp": _Encoding("Japanese (EUC)", _japanese_euc),
    "cp1251": _Encoding("Cyrillic (Windows-1251)", _russian),
    "cp1252": _Encoding("Western (Windows-1252)", _western),
    "cp866": _Encoding("Cyrillic (CP866)", _russian),
    "cp437": _Encoding("Western (CP437)", _western),
    "cp850": _Encoding("Western (CP850)", _western),
}
_GUESSED = ("gb18030", "cp932", "cp949", "cp950", "euc_jp", "cp1252", "cp1251")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _fits_wide(data: bytes, encoding: str) -> bool:
    """Whether text with zero bytes is UTF-16 or UTF-32 without a mark: only ASCII characters have zeros there."""
    size = 4 if "32" in encoding else 2
    try:
        text = data[: len(data) // size * size].decode(encoding)
    except UnicodeDecodeError:
        return False
    is_text = all(char.isprintable() or char.isspace() for char in text[:SAMPLE])
    return bool(text) and "\0" not in text and is_text


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether almost all bytes beyond ASCII form characters of UTF-8, as in a file that was damaged or cut off."""
    inside = sum(len(match[0]) for match in _UTF8_SEQUENCE.finditer(data))
    outside = sum(byte >= 0x80 for byte in data) - inside
    return inside >= 9 and outside * 10 <= inside
